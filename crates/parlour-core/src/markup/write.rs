//! Events of the parser, or plain text, as HTML.

use super::{
    fence, highlight, links,
    people::{Names, Piece, pieces},
    source::Source,
};
use pulldown_cmark::{CodeBlockKind, Event, LinkType, Tag};
use std::{fmt::Write as _, ops::Range};

/// Deepest quotes and lists, and deepest emphasis, that are shown; what lies deeper is shown here.
const MAX_DEPTH: usize = 6;

/// A text in which nothing is looked for.
pub(super) fn bare(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let (html, _) = paragraphs(&text, escape);
    html
}

/// A text without Markdown, with its names and web addresses. None when nothing would be seen.
pub(super) fn plain(text: &str, names: &Names) -> Option<String> {
    let mut has_link = false;
    let (html, seen) = paragraphs(text, |out, line| has_link |= run(out, line, names));
    if has_link {
        return Some(fence::clean(&html));
    }
    seen.then_some(html)
}

fn paragraphs(text: &str, mut write: impl FnMut(&mut String, &str)) -> (String, bool) {
    let mut out = String::with_capacity(text.len() + text.len() / 8 + 16);
    let mut is_open = false;
    let mut seen = false;
    for line in text.split('\n') {
        let line = line.trim_matches(' ');
        if line.is_empty() {
            if is_open {
                out.push_str("</p>");
            }
            is_open = false;
            continue;
        }
        out.push_str(if is_open { "<br>" } else { "<p>" });
        is_open = true;
        seen |= is_seen(line);
        write(&mut out, line);
    }
    if is_open {
        out.push_str("</p>");
    }
    (out, seen)
}

fn is_seen(text: &str) -> bool {
    text.chars().any(|c| !c.is_whitespace() && !c.is_control())
}

/// Escapes text between tags. Quotation marks stay.
pub(super) fn escape(out: &mut String, text: &str) {
    let mut done = 0;
    for (at, byte) in text.bytes().enumerate() {
        let (instead, length) = match byte {
            b'&' => ("&amp;", 1),
            b'<' => ("&lt;", 1),
            b'>' => ("&gt;", 1),
            b'\n' | b'\t' => continue,
            ..0x20 | 0x7f => ("", 1),
            0xc2 => match text.as_bytes()[at + 1] {
                0xa0 => ("&nbsp;", 2),
                ..0xa0 => ("", 2),
                _ => continue,
            },
            _ => continue,
        };
        out.push_str(&text[done..at]);
        out.push_str(instead);
        done = at + length;
    }
    out.push_str(&text[done..]);
}

/// A run of text with its names and web addresses; true when a link came of it.
fn run(out: &mut String, text: &str, names: &Names) -> bool {
    let mut has_link = false;
    for piece in pieces(text, names) {
        match piece {
            Piece::Text(text) => escape(out, text),
            Piece::Mention { user, name } => {
                let _ = write!(out, "<span class=\"at\" data-user=\"{user}\">@");
                escape(out, name);
                out.push_str("</span>");
            }
            Piece::Url(url) => match links::target(url) {
                Some(target) => {
                    has_link = true;
                    begin_link(out, &target);
                    escape(out, url);
                    end_link(out, &target, url);
                }
                None => escape(out, url),
            },
        }
    }
    has_link
}

fn begin_link(out: &mut String, target: &links::Target) {
    out.push_str("<a href=\"");
    // Addresses are ASCII; the parser of addresses leaves quotation marks in some of them.
    escape(out, &target.href.replace('"', "%22"));
    out.push_str("\" target=\"_blank\" rel=\"");
    out.push_str(fence::REL);
    out.push_str("\">");
}

fn end_link(out: &mut String, target: &links::Target, text: &str) {
    out.push_str("</a>");
    if let Some(host) = target.host_unless_in(text) {
        out.push_str(" <span class=\"host\">(");
        escape(out, host);
        out.push_str(")</span>");
    }
}

/// A text with Markdown. None when nothing would be seen.
pub(super) fn marked(source: &Source, names: &Names) -> Option<String> {
    let mut writer = Writer {
        source,
        names,
        out: String::new(),
        run: String::new(),
        open: Vec::new(),
        blocks: 0,
        inlines: 0,
        link: None,
        code: None,
        seen: false,
    };
    for (event, range) in source.events() {
        writer.take(event, range);
    }
    writer.flush();
    writer.seen.then_some(writer.out)
}

struct Writer<'s> {
    source: &'s Source,
    names: &'s Names,
    out: String,
    /// Text that was not written yet: the parser hands out text in small parts.
    run: String,
    open: Vec<Open>,
    blocks: usize,
    inlines: usize,
    /// The text of the link that is open.
    link: Option<String>,
    /// The code block that is open.
    code: Option<String>,
    seen: bool,
}

/// What the end of an element writes.
enum Open {
    Hidden,
    Block(&'static str),
    Container(&'static str),
    Inline(&'static str),
    Link(links::Target),
    /// A link that is none.
    Literal(String),
    Code(String),
}

impl Writer<'_> {
    fn take(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Text(text) => {
                let text = self.source.shown(&text);
                self.code.as_mut().unwrap_or(&mut self.run).push_str(&text);
            }
            Event::Start(tag) => self.start(tag),
            Event::End(_) => self.end(),
            Event::Code(code) => {
                self.flush();
                let code = self.source.shown(&code);
                self.out.push_str("<code>");
                self.write_text(&code, false);
                self.out.push_str("</code>");
            }
            Event::SoftBreak | Event::HardBreak => {
                self.flush();
                self.trim();
                self.out.push_str("<br>");
            }
            Event::Rule => {
                self.out.push_str("<p>");
                self.run = self.source.slice(range).trim().to_owned();
                self.flush();
                self.out.push_str("</p>");
            }
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        if !matches!(tag, Tag::Link { .. } | Tag::Image { .. }) {
            self.flush();
        }
        let opened = match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.block("<p>", "</p>"),
            Tag::Heading { .. } => self.block("<p><strong>", "</strong></p>"),
            Tag::BlockQuote(_) => self.container("<blockquote>", "</blockquote>"),
            Tag::List(None) => self.container("<ul>", "</ul>"),
            Tag::List(Some(1)) => self.container("<ol>", "</ol>"),
            Tag::List(Some(start)) => self.container(&format!("<ol start=\"{start}\">"), "</ol>"),
            Tag::Item if matches!(self.open.last(), Some(Open::Hidden)) => {
                self.out.push_str("<br>");
                Open::Hidden
            }
            Tag::Item => self.block("<li>", "</li>"),
            Tag::Emphasis => self.inline("<em>", "</em>"),
            Tag::Strong => self.inline("<strong>", "</strong>"),
            Tag::Strikethrough => self.inline("<del>", "</del>"),
            Tag::CodeBlock(kind) => {
                self.code = Some(String::new());
                Open::Code(match kind {
                    CodeBlockKind::Fenced(info) => self.source.shown(&info).into_owned(),
                    CodeBlockKind::Indented => String::new(),
                })
            }
            Tag::Link {
                link_type: LinkType::Autolink,
                dest_url,
                ..
            } => self.link("<", &dest_url, String::from(">")),
            Tag::Link {
                dest_url, title, ..
            } => self.link("[", &dest_url, self.link_end(&dest_url, &title)),
            Tag::Image {
                dest_url, title, ..
            } => self.link("![", &dest_url, self.link_end(&dest_url, &title)),
            _ => Open::Hidden,
        };
        self.open.push(opened);
    }

    fn block(&mut self, begin: &str, end: &'static str) -> Open {
        self.out.push_str(begin);
        Open::Block(end)
    }

    fn container(&mut self, begin: &str, end: &'static str) -> Open {
        if self.blocks == MAX_DEPTH {
            return Open::Hidden;
        }
        self.blocks += 1;
        self.out.push_str(begin);
        Open::Container(end)
    }

    fn inline(&mut self, begin: &str, end: &'static str) -> Open {
        if self.inlines == MAX_DEPTH {
            return Open::Hidden;
        }
        self.inlines += 1;
        self.out.push_str(begin);
        Open::Inline(end)
    }

    fn link(&mut self, literal: &str, address: &str, literal_end: String) -> Open {
        if self.link.is_some() {
            return Open::Hidden;
        }
        match links::target(&self.source.shown(address)) {
            Some(target) => {
                self.flush();
                begin_link(&mut self.out, &target);
                self.link = Some(String::new());
                Open::Link(target)
            }
            None => {
                self.run.push_str(literal);
                Open::Literal(literal_end)
            }
        }
    }

    /// What follows the text of a link in the source.
    fn link_end(&self, address: &str, title: &str) -> String {
        let address = self.source.shown(address);
        if title.is_empty() {
            format!("]({address})")
        } else {
            format!("]({address} \"{}\")", self.source.shown(title))
        }
    }

    fn end(&mut self) {
        let Some(open) = self.open.pop() else {
            return;
        };
        if let Open::Literal(end) = open {
            self.run.push_str(&end);
            return;
        }
        self.flush();
        match open {
            Open::Hidden | Open::Literal(_) => {}
            Open::Block(end) => {
                self.trim();
                self.out.push_str(end);
            }
            Open::Container(end) => {
                self.blocks -= 1;
                self.out.push_str(end);
            }
            Open::Inline(end) => {
                self.inlines -= 1;
                self.out.push_str(end);
            }
            Open::Link(target) => {
                let text = self.link.take().unwrap_or_default();
                if !is_seen(&text) {
                    escape(&mut self.out, target.shown());
                    self.seen = true;
                }
                end_link(&mut self.out, &target, &text);
            }
            Open::Code(info) => {
                let code = self.code.take().unwrap_or_default();
                self.seen |= is_seen(&code);
                highlight::block(
                    &mut self.out,
                    &info,
                    code.strip_suffix('\n').unwrap_or(&code),
                );
            }
        }
    }

    fn flush(&mut self) {
        let text = std::mem::take(&mut self.run);
        self.write_text(&text, true);
    }

    fn write_text(&mut self, text: &str, has_names: bool) {
        self.seen |= is_seen(text);
        if let Some(link) = &mut self.link {
            link.push_str(text);
            escape(&mut self.out, text);
        } else if has_names {
            run(&mut self.out, text, self.names);
        } else {
            escape(&mut self.out, text);
        }
    }

    fn trim(&mut self) {
        self.out.truncate(self.out.trim_end_matches(' ').len());
    }
}
