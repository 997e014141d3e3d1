//! Rules about Rust code.
//!
//! Functions are measured here and not by clippy (`too_many_lines`, `too_many_arguments`), because
//! clippy does not count comments and blank lines and can be told to look away; one parse also
//! serves the other rules, which see tokens and so never trip over strings and comments.

use std::str::FromStr as _;

use proc_macro2::extra::DelimSpan;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::files::SourceFile;
use super::{Finding, HOMES};

const BODY_LINES: usize = 80;
const PARAMETERS: usize = 6;

/// Attributes that nobody may write: a lint is answered with `expect` and a reason, and a test that
/// does not run is no test.
const FORBIDDEN: [(&str, &str); 2] = [
    ("allow", "write #[expect(..., reason = \"...\")]"),
    ("ignore", "mend the test or remove it"),
];

/// Checks one Rust file.
pub(crate) fn check(file: &SourceFile) -> Vec<Finding> {
    let (tree, tokens) = match (
        syn::parse_file(&file.text),
        TokenStream::from_str(&file.text),
    ) {
        (Ok(tree), Ok(tokens)) => (tree, tokens),
        (Err(error), _) => {
            let line = error.span().start().line;
            return vec![Finding::new(&file.path, line, "syntax", error.to_string())];
        }
        (_, Err(error)) => return vec![Finding::new(&file.path, 1, "syntax", error.to_string())],
    };
    let mut findings = Vec::new();
    let is_root = file.path.ends_with("src/lib.rs") || file.path.ends_with("src/main.rs");
    let is_doc = |attribute: &syn::Attribute| {
        attribute.path().is_ident("doc") && matches!(attribute.style, syn::AttrStyle::Inner(_))
    };
    if is_root && !tree.attrs.iter().any(is_doc) {
        let text = "the crate does not say what it is: begin it with //!";
        findings.push(Finding::new(&file.path, 1, "crate doc", text));
    }
    let mut functions = Functions {
        file,
        findings: Vec::new(),
    };
    functions.visit_file(&tree);
    findings.append(&mut functions.findings);
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    forbidden_attributes(file, &tokens, &mut findings);
    strangers(file, &tokens, &mut findings);
    findings
}

struct Functions<'a> {
    file: &'a SourceFile,
    findings: Vec<Finding>,
}

impl Functions<'_> {
    fn measure(&mut self, signature: &syn::Signature, body: Option<&syn::Block>) {
        let name = &signature.ident;
        let line = signature.fn_token.span.start().line;
        let parameters = signature.inputs.len();
        if parameters > PARAMETERS {
            let text = format!("{name} takes {parameters}, at most {PARAMETERS} are allowed");
            self.report(line, "parameters", text);
        }
        let Some(body) = body else { return };
        let lines = inner_lines(&body.brace_token.span);
        if lines > BODY_LINES {
            let text = format!("{name} has {lines} lines, at most {BODY_LINES} are allowed");
            self.report(line, "function size", text);
        }
    }

    fn report(&mut self, line: usize, rule: &'static str, text: String) {
        self.findings
            .push(Finding::new(&self.file.path, line, rule, text));
    }
}

/// The lines between the braces.
fn inner_lines(braces: &DelimSpan) -> usize {
    (braces.close().start().line - braces.open().start().line).saturating_sub(1)
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.measure(&item.sig, Some(&item.block));
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.measure(&item.sig, Some(&item.block));
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.measure(&item.sig, item.default.as_ref());
        visit::visit_trait_item_fn(self, item);
    }
}

/// Looks for `#[name` and `#![name` at any depth, the bodies of macros included, and inside
/// `cfg_attr`.
fn forbidden_attributes(file: &SourceFile, tokens: &[TokenTree], findings: &mut Vec<Finding>) {
    for (index, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else {
            continue;
        };
        let inner: Vec<TokenTree> = group.stream().into_iter().collect();
        if group.delimiter() == Delimiter::Bracket && follows_hash(&tokens[..index]) {
            attribute(file, &inner, findings);
        }
        forbidden_attributes(file, &inner, findings);
    }
}

fn follows_hash(before: &[TokenTree]) -> bool {
    let is = |token: Option<&TokenTree>, wanted| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted);
    let last = before.len().checked_sub(1).map(|last| &before[last]);
    let but_one = before.len().checked_sub(2).map(|index| &before[index]);
    is(last, '#') || (is(last, '!') && is(but_one, '#'))
}

fn attribute(file: &SourceFile, inner: &[TokenTree], findings: &mut Vec<Finding>) {
    let Some(TokenTree::Ident(name)) = inner.first() else {
        return;
    };
    if name == "cfg_attr" {
        if let Some(TokenTree::Group(arguments)) = inner.get(1) {
            let arguments: Vec<TokenTree> = arguments.stream().into_iter().collect();
            let is_comma =
                |token: &TokenTree| matches!(token, TokenTree::Punct(p) if p.as_char() == ',');
            // The first part is the condition, the others are attributes.
            for part in arguments.split(is_comma).skip(1) {
                attribute(file, part, findings);
            }
        }
        return;
    }
    let found = FORBIDDEN.iter().find(|(forbidden, _)| name == forbidden);
    if let Some((forbidden, instead)) = found {
        let line = name.span().start().line;
        let text = format!("#[{forbidden}] is not allowed here: {instead}");
        findings.push(Finding::new(&file.path, line, "attribute", text));
    }
}

/// Looks for paths that begin with a library whose home is elsewhere.
fn strangers(file: &SourceFile, tokens: &[TokenTree], findings: &mut Vec<Finding>) {
    for (index, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                strangers(file, &inner, findings);
            }
            TokenTree::Ident(name) => {
                let Some(home) = home_of(&name.to_string()) else {
                    continue;
                };
                let at_home = home.paths.iter().any(|path| file.path.starts_with(path));
                if !at_home && is_path_root(tokens, index) {
                    let line = name.span().start().line;
                    let text = format!("{name} belongs to {}", home.paths.join(" and "));
                    findings.push(Finding::new(&file.path, line, "home", text));
                }
            }
            _ => {}
        }
    }
}

fn home_of(name: &str) -> Option<&'static super::Home> {
    let package = name.replace('_', "-");
    HOMES.iter().find(|home| home.covers(&package))
}

/// `name::...`, `use name;` or `extern crate name`; never `self::name::...` or a variable.
fn is_path_root(tokens: &[TokenTree], index: usize) -> bool {
    let colon = |at: Option<usize>| {
        at.and_then(|at| tokens.get(at))
            .is_some_and(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':'))
    };
    let word = |at: Option<usize>| match at.and_then(|at| tokens.get(at)) {
        Some(TokenTree::Ident(word)) => word.to_string(),
        _ => String::new(),
    };
    let back = |steps| index.checked_sub(steps);
    if colon(back(1)) && colon(back(2)) {
        // `::name` is a root as well, `something::name` is not.
        return word(back(3)).is_empty();
    }
    let followed = colon(Some(index + 1)) && colon(Some(index + 2));
    followed || matches!(word(back(1)).as_str(), "use" | "crate")
}

#[cfg(test)]
mod tests;
