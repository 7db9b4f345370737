//! The statements of a template, inside of each other.

use std::ops::Range;

use super::Fault;
use super::condition::{Condition, Factor, Factors, HOLDS, NEVER, TWICE, plain, split};
use super::names::{Names, roots};
use super::tokens::{Kind, Token, tokens};
use super::ways::Fork;
use crate::jinja::{set_to, word};

/// Most statements inside of each other.
const MAX_DEPTH: usize = 64;

const UNCLOSED: &str = "a statement of the template is not closed";
const STRAY: &str =
    "a statement of the template ends what was not begun, or something else than was begun last";
const DEEP: &str = "statements of the template stand too deeply inside of each other";
const UNKNOWN: &str = "cloud-init's Jinja knows no such statement";
const NO_FILES: &str = "cloud-init's Jinja has no files to take in: hosts that come here drop the whole file; write out what the other file has";

/// What a template is made of.
pub(super) enum Node {
    Text(Range<usize>),
    Expression(Range<usize>),
    /// Branches with their conditions; `else` has none.
    If(Vec<(Option<Condition>, Vec<Node>)>),
    For {
        turns: [usize; 2],
        body: Vec<Node>,
        other: Vec<Node>,
    },
    /// What is there once, whatever stands around it.
    Group(Vec<Node>),
}

/// A branch of a condition, or a turn of a loop.
pub(crate) struct Section {
    /// From behind its statement to the next one.
    pub(crate) range: Range<usize>,
    /// The statement that begins it.
    pub(crate) opening: Range<usize>,
}

/// A template with what hosts can have of it.
pub(super) struct Shape {
    pub(super) nodes: Vec<Node>,
    pub(super) factors: Vec<Factor>,
    pub(super) forks: Vec<Fork>,
    /// Where the first of them is.
    pub(super) forks_at: usize,
    /// The outer ones first.
    pub(super) sections: Vec<Section>,
}

impl Shape {
    pub(super) fn of(template: &str) -> Result<Self, Fault> {
        let tokens = tokens(template)?;
        let statements = tokens.iter().filter(|token| token.kind == Kind::Statement);
        let names = Names::of(statements.map(|token| &template[token.range.clone()]));
        let mut reader = Reader {
            template,
            tokens: &tokens,
            at: 0,
            depth: 0,
            factors: Factors { names, ..Factors::default() },
            forks: Vec::new(),
            forks_at: None,
            path: Vec::new(),
            sections: Vec::new(),
        };
        let nodes = reader.nodes()?;
        if reader.at < tokens.len() {
            return Err(reader.fault(reader.at, STRAY));
        }
        reader
            .sections
            .sort_by_key(|section| (section.range.start, usize::MAX - section.range.end));
        Ok(Self {
            nodes,
            factors: reader.factors.all,
            forks: reader.forks,
            forks_at: reader.forks_at.unwrap_or_default(),
            sections: reader.sections,
        })
    }
}

struct Reader<'a> {
    template: &'a str,
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    factors: Factors,
    forks: Vec<Fork>,
    forks_at: Option<usize>,
    /// What holds where the reader is.
    path: Vec<(Condition, bool)>,
    sections: Vec<Section>,
}

impl<'a> Reader<'a> {
    /// To the next statement that ends something, or goes on with it.
    fn nodes(&mut self) -> Result<Vec<Node>, Fault> {
        let mut nodes = Vec::new();
        while let Some(token) = self.tokens.get(self.at) {
            let range = token.range.clone();
            match token.kind {
                Kind::Text => nodes.push(Node::Text(range)),
                Kind::Expression => {
                    self.factors.names.read(&self.template[range.clone()]);
                    nodes.push(Node::Expression(range));
                }
                Kind::Statement => {
                    let name = word(&self.template[range]);
                    if matches!(name, "else" | "elif") || name.starts_with("end") {
                        break;
                    }
                    nodes.extend(self.statement(name)?);
                    continue;
                }
            }
            self.at += 1;
        }
        Ok(nodes)
    }

    /// One statement with all that it is around.
    fn statement(&mut self, name: &str) -> Result<Option<Node>, Fault> {
        if self.depth >= MAX_DEPTH {
            return Err(self.fault(self.at, DEEP));
        }
        self.depth += 1;
        self.factors.names.read(&self.template[self.tokens[self.at].range.clone()]);
        let node = match name {
            "if" => Some(self.condition()?),
            "for" => Some(self.turns()?),
            "with" => Some(self.with()?),
            "filter" | "block" | "autoescape" => Some(Node::Group(self.section(name)?)),
            "macro" | "call" => {
                self.section(name)?;
                None
            }
            "set" => {
                self.set()?;
                None
            }
            "do" => {
                self.at += 1;
                None
            }
            "print" => {
                let range = self.tokens[self.at].range.clone();
                self.at += 1;
                Some(Node::Expression(range))
            }
            "include" | "import" | "from" | "extends" => return Err(self.fault(self.at, NO_FILES)),
            _ => return Err(self.fault(self.at, UNKNOWN)),
        };
        self.depth -= 1;
        Ok(node)
    }

    /// What stands between a statement's beginning and its end.
    fn section(&mut self, name: &str) -> Result<Vec<Node>, Fault> {
        let start = self.at;
        self.at += 1;
        let nodes = self.nodes()?;
        self.ended(start, name)?;
        Ok(nodes)
    }

    fn condition(&mut self) -> Result<Node, Fault> {
        let (start, depth) = (self.at, self.path.len());
        let mut branches: Vec<(Option<Condition>, Vec<Node>)> = Vec::new();
        loop {
            let name = self.name(self.at);
            let is_else = name == "else";
            self.factors.names.read(&self.template[self.tokens[self.at].range.clone()]);
            let condition = (!is_else).then(|| self.asked(name));
            if let Some(condition) = &condition {
                let options = vec![(condition.clone(), true), (condition.clone(), false)];
                self.fork(options);
                self.path.push((condition.clone(), true));
            }
            branches.push((condition.clone(), self.branch()?));
            if let (Some(condition), true) = (condition, self.path.len() > depth) {
                self.path.pop();
                self.path.push((condition, false));
            }
            match self.name(self.at) {
                "elif" | "else" if !is_else => {}
                _ => break,
            }
        }
        self.path.truncate(depth);
        self.ended(start, "if")?;
        Ok(Node::If(branches))
    }

    fn turns(&mut self) -> Result<Node, Fault> {
        let start = self.at;
        let written = self.inside(start, "for");
        let (names, over) = written.split_once(" in ").unwrap_or_default();
        let turns = self.factors.turns(over);
        let is = |value| Condition::Is(turns, value);
        let may_be_none = self.factors.all.get(turns[0]).is_some_and(|turns| turns.count() > NEVER);
        let values: &[usize] = if may_be_none { &[HOLDS, TWICE, NEVER] } else { &[TWICE, HOLDS] };
        self.fork(values.iter().map(|value| (is(*value), true)).collect());
        let mut names = roots(names);
        names.push("loop".to_owned());
        let of = format!("{}{}", plain(over), self.factors.names.version(over));
        let before = self.factors.names.bind(&names, Some(&of));
        names.extend(self.changed_in_turns());
        self.factors.loops.push(names);
        self.factors.turns.push(turns);
        self.path.push((is(NEVER), false));
        let body = self.branch()?;
        self.path.pop();
        self.factors.names.unbind(before);
        self.factors.loops.pop();
        self.factors.turns.pop();
        self.path.push((is(NEVER), true));
        let other = if self.name(self.at) == "else" { self.branch()? } else { Vec::new() };
        self.path.pop();
        self.ended(start, "for")?;
        Ok(Node::For { turns, body, other })
    }

    /// What the loop that begins here changes from turn to turn.
    fn changed_in_turns(&self) -> Vec<String> {
        let mut depth = 0_usize;
        let is_inside = |token: &&Token| {
            match word(&self.template[token.range.clone()]) {
                "for" => depth += 1,
                "endfor" => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth > 0
        };
        let inside = self.tokens[self.at..].iter().take_while(is_inside);
        let tags = inside.filter(|token| token.kind != Kind::Text);
        let changed =
            |token: &Token| self.factors.names.changed_by(&self.template[token.range.clone()]);
        tags.flat_map(changed).collect()
    }

    /// Names have other values to the end of it.
    fn with(&mut self) -> Result<Node, Fault> {
        let written = split(self.inside(self.at, "with"), ",");
        let targets = written.iter().filter_map(|one| one.split_once('='));
        let names: Vec<String> = targets.flat_map(|(target, _)| roots(target)).collect();
        let before = self.factors.names.bind(&names, None);
        let nodes = self.section("with")?;
        self.factors.names.unbind(before);
        Ok(Node::Group(nodes))
    }

    /// `{% set x = 1 %}`, and `{% set x %}…{% endset %}`.
    fn set(&mut self) -> Result<(), Fault> {
        if set_to(self.inside(self.at, "set")).is_none() {
            return self.section("set").map(|_| ());
        }
        self.at += 1;
        Ok(())
    }

    /// From the statement that begins a branch to the next one.
    fn branch(&mut self) -> Result<Vec<Node>, Fault> {
        let opening = self.tokens[self.at].range.clone();
        self.at += 1;
        let nodes = self.nodes()?;
        let end = self.tokens.get(self.at).map_or(self.template.len(), |token| token.range.start);
        self.sections.push(Section { range: opening.end..end, opening });
        Ok(nodes)
    }

    fn fork(&mut self, options: Vec<(Condition, bool)>) {
        self.forks_at.get_or_insert(self.tokens[self.at].range.start);
        self.forks.push(Fork { path: self.path.clone(), options });
    }

    /// Goes on behind the end of what began at a token.
    fn ended(&mut self, start: usize, name: &str) -> Result<(), Fault> {
        match self.tokens.get(self.at) {
            None => Err(self.fault(start, UNCLOSED)),
            Some(_) if self.name(self.at).strip_prefix("end") == Some(name) => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(self.fault(self.at, STRAY)),
        }
    }

    fn asked(&mut self, name: &str) -> Condition {
        let written = self.inside(self.at, name);
        self.factors.condition(written)
    }

    /// What a statement has behind its name.
    fn inside(&self, at: usize, name: &str) -> &'a str {
        let written = &self.template[self.tokens[at].range.clone()];
        let inside = written.get(2..written.len() - 2).unwrap_or_default();
        let inside = inside.trim_matches(['-', '+']).trim();
        inside.strip_prefix(name).unwrap_or(inside).trim()
    }

    /// The name of the statement at a token; none behind the last one.
    fn name(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |token| word(&self.template[token.range.clone()]))
    }

    fn fault(&self, at: usize, message: &'static str) -> Fault {
        let end = self.template.len();
        Fault { at: self.tokens.get(at).map_or(end, |token| token.range.start), message }
    }
}
