//! What the rules need to know of a Rust file: its functions and modules, which lines are test code, and the words that
//! matter wherever they stand, inside macros too.

use anyhow::Context;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::visit::{self, Visit};

pub struct Rust {
    pub path: String,
    /// Lines in the file.
    pub lines: usize,
    pub functions: Vec<Function>,
    pub modules: Vec<(String, usize)>,
    pub words: Words,
    tests: Vec<std::ops::RangeInclusive<usize>>,
}

pub struct Function {
    pub name: String,
    pub line: usize,
    /// From `fn` to the closing brace.
    pub lines: usize,
}

/// Lines on which these stand.
#[derive(Default)]
pub struct Words {
    /// `#[ignore]`.
    pub ignored: Vec<usize>,
    /// `#[allow(…)]` or `#[expect(…)]` without a reason.
    pub silenced: Vec<usize>,
    /// A call of something called `sleep` or `sleep_until`, whatever it is imported from.
    pub sleeps: Vec<usize>,
    /// The types `f32` and `f64`.
    pub floats: Vec<usize>,
}

impl Rust {
    pub fn outline(path: &str, text: &str) -> anyhow::Result<Rust> {
        let tokens: TokenStream =
            text.parse().map_err(|error| anyhow::anyhow!("{error}")).with_context(|| path.to_owned())?;
        let mut words = Words::default();
        words.find(tokens.clone());
        let file: syn::File =
            syn::parse2(tokens).map_err(|error| anyhow::anyhow!("{path}:{}: {error}", error.span().start().line))?;
        let mut rust = Rust {
            path: path.to_owned(),
            lines: text.lines().count(),
            functions: Vec::new(),
            modules: Vec::new(),
            words,
            tests: Vec::new(),
        };
        rust.visit_file(&file);
        Ok(rust)
    }

    /// Whether `line` is test code: in a test, in a module compiled for tests alone, or in a file of tests.
    pub fn is_test(&self, line: usize) -> bool {
        let whole = self.path.contains("/tests/")
            || self.path.ends_with("/tests.rs")
            || self.path.starts_with("crates/testkit/")
            || self.path.starts_with("crates/pgkit/");
        whole || self.tests.iter().any(|range| range.contains(&line))
    }

    fn function(&mut self, signature: &syn::Signature, block: &syn::Block, attributes: &[syn::Attribute]) {
        let first = signature.fn_token.span.start().line;
        let last = block.brace_token.span.close().end().line;
        self.functions.push(Function { name: signature.ident.to_string(), line: first, lines: last - first + 1 });
        if attributes.iter().any(is_for_tests) {
            self.tests.push(first..=last);
        }
    }
}

impl<'ast> Visit<'ast> for Rust {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block, &item.attrs);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, &item.block, &item.attrs);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig, block, &item.attrs);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let first = item.mod_token.span.start().line;
        self.modules.push((item.ident.to_string(), first));
        if let Some((brace, _)) = &item.content
            && item.attrs.iter().any(is_for_tests)
        {
            self.tests.push(first..=brace.span.close().end().line);
        }
        visit::visit_item_mod(self, item);
    }
}

/// `#[test]` of any harness, or `#[cfg(test)]`.
fn is_for_tests(attribute: &syn::Attribute) -> bool {
    let path = attribute.path();
    let named_test = path.segments.last().is_some_and(|last| last.ident == "test");
    let only_for_tests = || match &attribute.meta {
        syn::Meta::List(list) => list.tokens.to_string() == "test",
        _ => false,
    };
    named_test || (path.is_ident("cfg") && only_for_tests())
}

impl Words {
    fn find(&mut self, tokens: TokenStream) {
        let mut before: Option<TokenTree> = None;
        for token in tokens {
            match &token {
                TokenTree::Group(group) => {
                    self.find_attribute(group);
                    let called =
                        matches!(&before, Some(TokenTree::Ident(name)) if name == "sleep" || name == "sleep_until");
                    if called && group.delimiter() == Delimiter::Parenthesis {
                        self.sleeps.push(group.span_open().start().line);
                    }
                    self.find(group.stream());
                }
                TokenTree::Ident(word) if word == "f32" || word == "f64" => self.floats.push(word.span().start().line),
                _ => {}
            }
            before = Some(token);
        }
    }

    /// Reads the brackets of an attribute. Brackets that are none never begin with these words and a list.
    fn find_attribute(&mut self, group: &Group) {
        if group.delimiter() != Delimiter::Bracket {
            return;
        }
        let mut inside = group.stream().into_iter();
        let Some(TokenTree::Ident(name)) = inside.next() else { return };
        let line = name.span().start().line;
        match (name.to_string().as_str(), inside.next()) {
            ("ignore", None | Some(TokenTree::Punct(_))) => self.ignored.push(line),
            ("allow" | "expect", Some(TokenTree::Group(list))) => {
                let reason = |token: TokenTree| matches!(token, TokenTree::Ident(word) if word == "reason");
                if !list.stream().into_iter().any(reason) {
                    self.silenced.push(line);
                }
            }
            _ => {}
        }
    }
}
