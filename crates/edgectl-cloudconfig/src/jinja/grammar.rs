//! What Jinja2 takes for an expression or a statement, and what it says no to.
//!
//! The grammar is that of Jinja2 3.1 with `do`, which cloud-init runs.

mod expressions;

use super::lexer::{Kind, Word, words};

/// What Jinja refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bad {
    /// Where, in the text that was read.
    pub(crate) at: usize,
    pub(crate) message: String,
    /// Whether the template can be read, and only hosts that come here drop it.
    pub(crate) is_late: bool,
}

impl Bad {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), is_late: false }
    }

    /// Of a name that is asked for where it is used only.
    fn unknown(at: usize, what: &str, name: &str) -> Self {
        Self { is_late: true, ..Self::new(at, format!("there is no {what} `{name}`")) }
    }
}

/// Deeper than that nothing is looked into.
const MAX_DEPTH: usize = 64;
const EXPRESSION: &str = "an expression has to stand here";
const TOO_DEEP: &str = "";
/// Ends of what statements are around, which stand alone.
const ENDS: [&str; 8] =
    ["endif", "endfor", "endset", "endwith", "endmacro", "endcall", "endfilter", "endautoescape"];

type Read<T = ()> = Result<T, Bad>;

/// What is wrong inside of `{{ }}`.
pub(super) fn expression(inside: &str) -> Vec<Bad> {
    told(inside, |parser| {
        parser.tuple(true, &[])?;
        parser.end()
    })
}

/// What is wrong inside of `{% %}`; nothing is said of names of statements.
pub(super) fn statement(inside: &str) -> Vec<Bad> {
    told(inside, |parser| parser.statement())
}

fn told(inside: &str, read: impl FnOnce(&mut Parser<'_>) -> Read) -> Vec<Bad> {
    let words = match words(inside) {
        Ok(words) => words,
        Err(bad) => return vec![bad],
    };
    let mut parser = Parser { words, at: 0, depth: 0, unknown: Vec::new() };
    match read(&mut parser) {
        Err(bad) if bad.message != TOO_DEEP => vec![bad],
        _ => parser.unknown,
    }
}

struct Parser<'a> {
    words: Vec<Word<'a>>,
    at: usize,
    depth: usize,
    /// Filters and tests that nobody knows.
    unknown: Vec<Bad>,
}

impl<'a> Parser<'a> {
    fn word(&self) -> Word<'a> {
        self.look(0)
    }

    fn look(&self, ahead: usize) -> Word<'a> {
        let last = self.words.len() - 1;
        self.words[(self.at + ahead).min(last)]
    }

    fn is_name(&self, name: &str) -> bool {
        self.word().kind == Kind::Name && self.word().text == name
    }

    fn is_operator(&self, operator: &str) -> bool {
        self.word().kind == Kind::Operator && self.word().text == operator
    }

    fn takes_name(&mut self, name: &str) -> bool {
        let is_it = self.is_name(name);
        self.at += usize::from(is_it);
        is_it
    }

    fn takes(&mut self, operator: &str) -> bool {
        let is_it = self.is_operator(operator);
        self.at += usize::from(is_it);
        is_it
    }

    fn fail<T>(&self, message: impl Into<String>) -> Read<T> {
        Err(Bad::new(self.word().at, message))
    }

    fn expect(&mut self, operator: &str) -> Read {
        match self.takes(operator) {
            true => Ok(()),
            false => self.fail(format!("`{operator}` has to stand here")),
        }
    }

    fn name(&mut self) -> Read<&'a str> {
        let word = self.word();
        if word.kind != Kind::Name {
            return match word.text {
                "|" => self.fail("`||` can't stand here; write `or`"),
                _ => self.fail("a name has to stand here"),
            };
        }
        self.at += 1;
        Ok(word.text)
    }

    /// The end of the statement or expression.
    fn end(&self) -> Read {
        let word = self.word();
        match (word.kind, word.text) {
            (Kind::End, _) => Ok(()),
            (_, "=") => self.fail("`=` can't stand here; write `==` to compare"),
            (Kind::Name, _) => self.fail(
                "a name can't stand here: between two there is an operator, such as `and` or `~`, or a text has quotes around it",
            ),
            _ => self.fail("the expression ends here, and something stands behind it"),
        }
    }

    fn statement(&mut self) -> Read {
        let name = self.word();
        if name.kind != Kind::Name {
            return self.fail("the name of a statement has to stand here");
        }
        self.at += 1;
        match name.text {
            "if" | "elif" => self.tuple(false, &[])?,
            "else" if self.is_name("if") => return self.fail("write `elif` for `else if`"),
            "for" => self.turns()?,
            "set" => self.set()?,
            "with" => self.with()?,
            "do" => self.tuple(true, &[])?,
            "print" => self.listed("", Self::expression)?,
            "filter" => {
                self.filter()?;
                self.filters()?;
            }
            "macro" => {
                self.name()?;
                self.signature()?;
            }
            "call" => self.call_block()?,
            "autoescape" => self.expression()?,
            "block" => {
                self.name()?;
                self.takes_name("scoped");
                self.takes_name("required");
            }
            "endblock" if self.word().kind == Kind::Name => self.at += 1,
            "else" => {}
            end if ENDS.contains(&end) => {
                return match self.word().kind {
                    Kind::End => Ok(()),
                    _ => self.fail(format!("nothing may stand behind `{end}`")),
                };
            }
            _ => return Ok(()),
        }
        // As in Python.
        if !matches!(name.text, "set" | "do" | "print" | "with" | "endblock") {
            self.takes(":");
        }
        self.end()
    }

    fn turns(&mut self) -> Read {
        if self.is_name("loop") {
            return self.fail("`loop` is the loop itself; give it another name");
        }
        self.target(&["in"], false)?;
        if !self.takes_name("in") {
            return match self.is_name("of") {
                true => self.fail("write `in` for `of`"),
                false => self.fail("`in` has to stand here"),
            };
        }
        self.tuple(false, &["recursive"])?;
        if self.takes_name("if") {
            self.expression()?;
        }
        self.takes_name("recursive");
        Ok(())
    }

    fn set(&mut self) -> Read {
        if self.is_operator("=") {
            return self.fail("the name that is set has to stand here");
        }
        self.target(&[], true)?;
        if self.takes("=") {
            return self.tuple(true, &[]);
        }
        self.filters()?;
        self.takes(":");
        Ok(())
    }

    fn with(&mut self) -> Read {
        let mut is_first = true;
        while self.word().kind != Kind::End {
            if !is_first {
                self.expect(",")?;
            }
            is_first = false;
            self.target(&["="], false)?;
            self.expect("=")?;
            self.expression()?;
        }
        Ok(())
    }

    fn call_block(&mut self) -> Read {
        if self.is_operator("(") {
            self.signature()?;
        }
        self.expression()?;
        match self.words.get(self.at - 1).is_some_and(|word| word.text == ")") {
            true => Ok(()),
            false => self.fail("a macro has to be called here, with `(` and `)`"),
        }
    }

    fn signature(&mut self) -> Read {
        self.expect("(")?;
        self.listed(")", |parser| {
            parser.name()?;
            if parser.takes("=") { parser.expression() } else { Ok(()) }
        })?;
        self.expect(")")
    }

    /// Things between commas to an operator, or to the end.
    fn listed(&mut self, end: &str, each: impl Fn(&mut Self) -> Read) -> Read {
        let mut is_first = true;
        let is_end = |parser: &Self| parser.word().kind == Kind::End || parser.is_operator(end);
        while !is_end(self) {
            if !is_first {
                self.expect(",")?;
            }
            is_first = false;
            if !is_end(self) {
                each(self)?;
            }
        }
        Ok(())
    }

    fn target(&mut self, ends: &[&str], may_be_path: bool) -> Read {
        if may_be_path && self.look(1).text == "." {
            self.name()?;
            self.at += 1;
            return self.name().map(|_| ());
        }
        loop {
            match self.takes("(") {
                true => {
                    self.target(&[], false)?;
                    self.expect(")")?;
                }
                false
                    if ["true", "false", "none", "True", "False", "None"]
                        .contains(&self.word().text) =>
                {
                    return self.fail("nothing can be set in a constant");
                }
                false => _ = self.name()?,
            }
            let is_end = |word: Word<'_>| {
                word.kind == Kind::End || ends.contains(&word.text) || word.text == ")"
            };
            if !self.takes(",") || is_end(self.word()) {
                return Ok(());
            }
        }
    }
}
