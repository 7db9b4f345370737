//! What Jinja2 takes for an expression or a statement, and what it says no to.
//!
//! The grammar is that of Jinja2 3.1 with `do`, which cloud-init runs.

use super::known::{FILTERS, TESTS};
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

    /// An expression, or several with commas between.
    fn tuple(&mut self, with_if: bool, ends: &[&str]) -> Read {
        let first = self.word().at;
        let mut is_tuple = false;
        loop {
            let word = self.word();
            if word.kind == Kind::End || word.text == ")" || ends.contains(&word.text) {
                return match is_tuple {
                    true => Ok(()),
                    false => Err(Bad::new(first, EXPRESSION)),
                };
            }
            if with_if {
                self.expression()?
            } else {
                self.either()?
            }
            if !self.takes(",") {
                return Ok(());
            }
            is_tuple = true;
        }
    }

    /// `a if b else c`
    fn expression(&mut self) -> Read {
        self.deeper(|parser| {
            parser.either()?;
            while parser.takes_name("if") {
                parser.either()?;
                if parser.takes_name("else") {
                    return parser.expression();
                }
            }
            Ok(())
        })
    }

    fn deeper(&mut self, read: impl FnOnce(&mut Self) -> Read) -> Read {
        if self.depth >= MAX_DEPTH {
            return self.fail(TOO_DEEP);
        }
        self.depth += 1;
        let done = read(self);
        self.depth -= 1;
        done
    }

    /// What `and` and `or` join, and what they join it from: which one binds closer
    /// says nothing of what can be read.
    fn either(&mut self) -> Read {
        loop {
            while self.takes_name("not") {}
            self.compared()?;
            if !self.takes_name("and") && !self.takes_name("or") {
                return Ok(());
            }
        }
    }

    fn compared(&mut self) -> Read {
        const JOINING: [&str; 14] =
            ["==", "!=", "<", "<=", ">", ">=", "+", "-", "~", "*", "/", "//", "%", "**"];
        loop {
            self.unary()?;
            if self.word().kind == Kind::Operator && JOINING.contains(&self.word().text) {
                self.at += 1;
            } else if self.is_name("not") && self.look(1).text == "in" {
                self.at += 2;
            } else if !self.takes_name("in") {
                return Ok(());
            }
        }
    }

    fn unary(&mut self) -> Read {
        while self.takes("-") || self.takes("+") {}
        self.primary()?;
        self.postfix()?;
        loop {
            match () {
                () if self.is_operator("|") => self.filters()?,
                () if self.is_operator("(") => self.arguments()?,
                () if self.is_name("is") => self.test()?,
                () => return Ok(()),
            }
        }
    }

    fn primary(&mut self) -> Read {
        let word = self.word();
        match (word.kind, word.text) {
            (Kind::Text, _) => {
                while self.word().kind == Kind::Text {
                    self.at += 1;
                }
                Ok(())
            }
            (Kind::Name | Kind::Integer | Kind::Float, _) => {
                self.at += 1;
                Ok(())
            }
            (_, "(") => self.deeper(|parser| {
                parser.at += 1;
                if !parser.is_operator(")") {
                    parser.tuple(true, &[])?;
                }
                parser.expect(")")
            }),
            (_, "[") => self.deeper(|parser| {
                parser.at += 1;
                parser.listed("]", Self::expression)?;
                parser.expect("]")
            }),
            (_, "{") => self.deeper(Self::dict),
            (_, ".") => self
                .fail("a name begins without `.` here; `.Values` is a template of Helm's or Go's"),
            (_, "=") => self.fail("`=` can't stand here; write `==` to compare"),
            _ => self.fail(EXPRESSION),
        }
    }

    fn dict(&mut self) -> Read {
        self.at += 1;
        if self.is_operator("{") {
            return self
                .fail("an expression inside of another one has no `{{` and `}}` of its own");
        }
        self.listed("}", |parser| {
            parser.expression()?;
            parser.expect(":")?;
            parser.expression()
        })?;
        self.expect("}")
    }

    /// `.a`, `[b]` and `(c)` behind something.
    fn postfix(&mut self) -> Read {
        loop {
            if self.takes(".") {
                let word = self.word();
                if !matches!(word.kind, Kind::Name | Kind::Integer) {
                    return self.fail("a name or a number has to stand behind `.`");
                }
                self.at += 1;
            } else if self.is_operator("[") {
                self.deeper(|parser| {
                    parser.at += 1;
                    parser.listed("]", Self::subscript)?;
                    parser.expect("]")
                })?;
            } else if self.is_operator("(") {
                self.arguments()?;
            } else {
                return Ok(());
            }
        }
    }

    /// `a`, or `a:b:c`, each of which may be left out.
    fn subscript(&mut self) -> Read {
        let is_end = |parser: &Self| [":", "]", ","].contains(&parser.word().text);
        if !self.is_operator(":") {
            self.expression()?;
        }
        for _ in 0..2 {
            if self.takes(":") && !is_end(self) {
                self.expression()?;
            }
        }
        Ok(())
    }

    fn arguments(&mut self) -> Read {
        self.deeper(|parser| {
            parser.at += 1;
            let mut is_named = false;
            while !parser.is_operator(")") {
                parser.argument(&mut is_named)?;
                if !parser.takes(",") && !parser.is_operator(")") {
                    return parser.fail("`,` or `)` has to stand here");
                }
            }
            parser.expect(")")
        })
    }

    fn argument(&mut self, is_named: &mut bool) -> Read {
        if self.takes("*") || self.takes("**") {
            *is_named = true;
        } else if self.word().kind == Kind::Name && self.look(1).text == "=" {
            self.at += 2;
            *is_named = true;
        } else if *is_named {
            return self.fail("an argument without a name can't stand behind one with a name");
        }
        self.expression()
    }

    /// `| a(b) | c`
    fn filters(&mut self) -> Read {
        while self.takes("|") {
            self.filter()?;
        }
        Ok(())
    }

    fn filter(&mut self) -> Read {
        let (name, at) = self.path()?;
        if !FILTERS.contains(&name.as_str()) {
            self.unknown.push(Bad::unknown(at, "filter", &name));
        }
        if self.is_operator("(") { self.arguments() } else { Ok(()) }
    }

    fn path(&mut self) -> Read<(String, usize)> {
        let at = self.word().at;
        let mut path = self.name()?.to_owned();
        while self.takes(".") {
            path = format!("{path}.{}", self.name()?);
        }
        Ok((path, at))
    }

    fn test(&mut self) -> Read {
        self.at += 1;
        self.takes_name("not");
        let (name, at) = self.path()?;
        if !TESTS.contains(&name.as_str()) {
            self.unknown.push(Bad::unknown(at, "test", &name));
        }
        let word = self.word();
        if self.is_operator("(") {
            return self.arguments();
        }
        let is_argument = match word.kind {
            Kind::Name => !["else", "or", "and"].contains(&word.text),
            Kind::Text | Kind::Integer | Kind::Float => true,
            _ => ["[", "{"].contains(&word.text),
        };
        if !is_argument {
            return Ok(());
        }
        if self.is_name("is") {
            return self.fail("one `is` can't follow another; write `and` between");
        }
        self.primary()?;
        self.postfix()
    }
}
