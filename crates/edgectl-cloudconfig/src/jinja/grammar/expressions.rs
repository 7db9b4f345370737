//! Expressions.

use super::{Bad, EXPRESSION, MAX_DEPTH, Parser, Read, TOO_DEEP};
use crate::jinja::known::{FILTERS, TESTS};
use crate::jinja::lexer::Kind;

impl Parser<'_> {
    /// An expression, or several with commas between.
    pub(super) fn tuple(&mut self, with_if: bool, ends: &[&str]) -> Read {
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
    pub(super) fn expression(&mut self) -> Read {
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
    pub(super) fn filters(&mut self) -> Read {
        while self.takes("|") {
            self.filter()?;
        }
        Ok(())
    }

    pub(super) fn filter(&mut self) -> Read {
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
