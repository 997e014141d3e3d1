//! What the Markdown parser gets to read.
//!
//! The parser knows more than the subset and less about chat, so some characters are hidden from it
//! and come back in whatever it returns: each ASCII punctuation mark has a stand-in in a private part
//! of Unicode that the text does not use. Hidden are `<` before anything that is no web address (HTML
//! is text), the colon of a link definition (it would vanish), and marks inside bare web addresses and
//! names (`@ada_l`, `https://example.com/_a_`). A quote ends with its last `>`.

use super::{
    links,
    people::{Names, Piece, pieces},
};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::{borrow::Cow, ops::Range};

/// Code points that stand for ASCII, per block.
const BLOCK: u32 = 128;
const FIRST: u32 = 0xf0000;

/// A prepared text.
pub(super) struct Source {
    text: String,
    /// The stand-in of U+0000.
    base: u32,
}

impl Source {
    /// Prepares a text. None when it uses all of the private blocks.
    pub(super) fn new(text: &str, names: &Names) -> Option<Self> {
        let mut source = Self {
            text: String::with_capacity(text.len() + 16),
            base: free_block(text)?,
        };
        let lines = text.replace("\r\n", "\n");
        let lines: String = lines
            .chars()
            .map(|c| if c == '\r' { '\n' } else { c })
            .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
            .collect();
        let mut was_quote = false;
        let mut fence = None;
        for line in lines.split_inclusive('\n') {
            let is_quote = fence.is_none() && indented(line).starts_with('>');
            fence = fence_after(line, fence);
            if was_quote && !is_quote {
                source.text.push('\n');
            }
            was_quote = is_quote;
            for piece in pieces(line, names) {
                match piece {
                    Piece::Text(text) => source.push_text(text),
                    Piece::Url(url) => source.push_hidden(url, |c| "*_~&".contains(c)),
                    Piece::Mention { name, .. } => {
                        source.text.push('@');
                        source.push_hidden(name, |c| c.is_ascii_punctuation());
                    }
                }
            }
        }
        Some(source)
    }

    fn push_text(&mut self, text: &str) {
        let mut rest = text;
        while let Some(at) = rest.find(['<', ']']) {
            let (before, after) = rest.split_at(at);
            self.text.push_str(before);
            if let Some(after) = after.strip_prefix("]:") {
                self.text.push(']');
                self.push_hidden(":", |_| true);
                rest = after;
                continue;
            }
            if after.starts_with('<') && !links::begins_autolink(&after[1..]) {
                self.push_hidden("<", |_| true);
            } else {
                self.text.push_str(&after[..1]);
            }
            rest = &after[1..];
        }
        self.text.push_str(rest);
    }

    fn push_hidden(&mut self, text: &str, hide: impl Fn(char) -> bool) {
        let base = self.base;
        self.text.extend(text.chars().map(|c| match c {
            c if c.is_ascii() && hide(c) => char::from_u32(base + u32::from(c)).unwrap_or(c),
            c => c,
        }));
    }

    /// Text of the parser as it was written.
    pub(super) fn shown<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let stands_for = |c: char| {
            let offset = u32::from(c).checked_sub(self.base)?;
            u8::try_from(offset).ok().filter(u8::is_ascii)
        };
        if text.chars().all(|c| stands_for(c).is_none()) {
            return Cow::Borrowed(text);
        }
        let written = text
            .chars()
            .map(|c| stands_for(c).map_or(c, char::from))
            .collect();
        Cow::Owned(written)
    }

    /// A part of the source as it was written.
    pub(super) fn slice(&self, range: Range<usize>) -> Cow<'_, str> {
        self.shown(&self.text[range])
    }

    /// The events of the parser. One tilde strikes nothing out (`네~네~`).
    pub(super) fn events(&self) -> impl Iterator<Item = (Event<'_>, Range<usize>)> {
        Parser::new_ext(&self.text, Options::ENABLE_STRIKETHROUGH)
            .into_offset_iter()
            .map(|(event, range)| {
                let event = match event {
                    Event::Start(Tag::Strikethrough) | Event::End(TagEnd::Strikethrough)
                        if !self.text[range.clone()].starts_with("~~") =>
                    {
                        Event::Text("~".into())
                    }
                    Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
                    event => event,
                };
                (event, range)
            })
    }

    /// Calls with each run of text outside code and links.
    pub(super) fn runs(&self, mut look: impl FnMut(&str)) {
        let mut run = String::new();
        let mut closed = 0_usize;
        for (event, _) in self.events() {
            match event {
                Event::Text(text) if closed == 0 => {
                    run.push_str(&self.shown(&text));
                    continue;
                }
                Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::CodeBlock(_)) => {
                    closed += 1;
                }
                Event::End(TagEnd::Link | TagEnd::Image | TagEnd::CodeBlock) => closed -= 1,
                _ => {}
            }
            look(&std::mem::take(&mut run));
        }
        look(&run);
    }

    /// The text without its markup; lines and blocks end in a line feed.
    pub(super) fn words(&self) -> String {
        let mut out = String::new();
        for (event, range) in self.events() {
            match event {
                Event::Text(text) | Event::Code(text) => out.push_str(&self.shown(&text)),
                Event::Rule => out.push_str(&self.slice(range)),
                Event::SoftBreak | Event::HardBreak => out.push('\n'),
                Event::End(TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item) => {
                    out.push('\n');
                }
                Event::Start(Tag::List(_) | Tag::CodeBlock(_)) => out.push('\n'),
                _ => {}
            }
        }
        out
    }
}

/// A line from its first mark, or nothing when it is indented like code.
fn indented(line: &str) -> &str {
    let rest = line.trim_start_matches(' ');
    if line.len() - rest.len() < 4 {
        rest
    } else {
        ""
    }
}

/// The fence of code that is open after a line: its mark and length.
fn fence_after(line: &str, open: Option<(char, usize)>) -> Option<(char, usize)> {
    let line = indented(line);
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'));
    let length = mark.map_or(0, |mark| line.chars().take_while(|c| *c == mark).count());
    let rest = &line[length..];
    match (open, mark) {
        (Some((of, least)), Some(mark)) if mark == of && length >= least => {
            open.filter(|_| !rest.trim().is_empty())
        }
        (None, Some(mark)) if length >= 3 && !(mark == '`' && rest.contains('`')) => {
            Some((mark, length))
        }
        _ => open,
    }
}

/// The first private block of which the text uses nothing.
fn free_block(text: &str) -> Option<u32> {
    // U+F0000 to U+FFFFD, then U+100000 to U+10FFFD, without the blocks that end in noncharacters.
    let mut used = [false; 1024];
    used[511] = true;
    used[1023] = true;
    for c in text.chars() {
        if let Some(offset) = u32::from(c).checked_sub(FIRST) {
            let block = usize::try_from(offset / BLOCK).ok();
            if let Some(used) = block.and_then(|block| used.get_mut(block)) {
                *used = true;
            }
        }
    }
    let block = used.iter().position(|used| !used)?;
    Some(FIRST + BLOCK * u32::try_from(block).ok()?)
}
