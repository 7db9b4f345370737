//! The statements of a template, inside of each other.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::condition::{Condition, Factor, Factors, HOLDS, NEVER, TWICE, plain, split, unwrapped};
use super::filters::{Filter, filters};
use super::names::{Names, roots};
use super::tokens::{Kind, Token, tokens};
use super::ways::Fork;
use super::{FILTERED, Fault};
use crate::jinja::{called, inside, set_to, word};

/// Most statements inside of each other.
const MAX_DEPTH: usize = 64;

/// Most macros that are called inside of each other, and in all.
const MAX_CALLS: usize = 8;
const MOST_CALLS: usize = 256;

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
    /// What filters make of it; where their statement is.
    Filtered(usize, Vec<Filter>, Vec<Node>),
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
    /// Where expressions of macros, and of what is set to an `endset`, aren't followed,
    /// with the names of these.
    pub(super) untold: Vec<(usize, String)>,
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
            bodies: bodies(template, &tokens),
            made: made(template, &tokens),
            untold: Vec::new(),
            calls: 0,
            expanded: 0,
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
            untold: reader.untold,
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
    /// Macros, and what is set to an `endset`, by their names: where they begin.
    bodies: BTreeMap<&'a str, usize>,
    /// All names that may stand for what these make.
    made: BTreeSet<String>,
    untold: Vec<(usize, String)>,
    /// How many calls the reader is in, and how many there were.
    calls: usize,
    expanded: usize,
}

/// What has a name of its own in all the template.
fn bodies<'a>(template: &'a str, tokens: &[Token]) -> BTreeMap<&'a str, usize> {
    let mut bodies = BTreeMap::new();
    let mut given: Vec<String> = Vec::new();
    for (n, token) in tokens.iter().enumerate().filter(|(_, t)| t.kind == Kind::Statement) {
        let whole = &template[token.range.clone()];
        let behind = inside(whole).trim_start_matches(word(whole)).trim();
        let (targets, is_body) = match word(whole) {
            "macro" => (behind.split('(').next().unwrap_or_default(), true),
            "set" => (set_to(behind).map_or(behind, |(to, _)| to), set_to(behind).is_none()),
            "for" => (behind.split(" in ").next().unwrap_or_default(), false),
            "with" => (behind, false),
            _ => continue,
        };
        given.extend(roots(targets));
        bodies.extend(called(behind).filter(|_| is_body).map(|name| (name, n)));
    }
    let is_once = |name: &str| given.iter().filter(|given| *given == name).count() == 1;
    bodies.retain(|name, _| is_once(name));
    bodies
}

/// The names of macros, of what is set to an `endset`, and of what is set to either.
fn made(template: &str, tokens: &[Token]) -> BTreeSet<String> {
    let mut made = BTreeSet::new();
    for token in tokens.iter().filter(|token| token.kind == Kind::Statement) {
        let whole = &template[token.range.clone()];
        let behind = inside(whole).trim_start_matches(word(whole)).trim();
        match (word(whole), set_to(behind)) {
            ("macro", _) => made.extend(roots(behind).into_iter().take(1)),
            ("set", None) => made.extend(roots(behind).into_iter().take(1)),
            ("set", Some((to, value))) if roots(value).iter().any(|name| made.contains(name)) => {
                made.extend(roots(to));
            }
            _ => {}
        }
    }
    made
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
                    nodes.push(self.expression(range)?);
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
            "filter" => Some(self.filtered()?),
            "block" | "autoescape" => Some(Node::Group(self.section(name)?)),
            "macro" => {
                self.body(name)?;
                None
            }
            "call" => {
                let range = self.tokens[self.at].range.clone();
                self.body(name)?;
                Some(self.expression(range)?)
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

    fn filtered(&mut self) -> Result<Node, Fault> {
        let (start, written) = (self.at, self.inside(self.at, "filter"));
        let filters = filters(written).ok_or_else(|| self.fault(start, FILTERED))?;
        let at = self.tokens[start].range.start;
        Ok(Node::Filtered(at, filters, self.section("filter")?))
    }

    /// What makes nothing where it stands: only whether it can be read matters.
    fn body(&mut self, name: &str) -> Result<(), Fault> {
        let (forks, sections) = (self.forks.len(), self.sections.len());
        let (factors, forks_at) = (self.factors.all.len(), self.forks_at);
        self.section(name)?;
        self.forks.truncate(forks);
        self.sections.truncate(sections);
        self.factors.all.truncate(factors);
        self.forks_at = forks_at;
        Ok(())
    }

    /// An expression that is nothing but a macro that is called, or what was set to
    /// an `endset`, makes what that has inside.
    fn expression(&mut self, range: Range<usize>) -> Result<Node, Fault> {
        let written = inside(&self.template[range.clone()]);
        let written = written.strip_prefix("call ").unwrap_or(written).trim();
        let body = called(written).filter(|name| {
            let behind = &written[name.len()..];
            behind.is_empty() || unwrapped(behind.trim()).is_some()
        });
        let body = body.and_then(|name| self.bodies.get(name).copied());
        let body = body.filter(|_| self.calls < MAX_CALLS && self.expanded < MOST_CALLS);
        let Some(body) = body else {
            let made = roots(written).into_iter().find(|name| self.made.contains(name));
            self.untold.extend(made.map(|name| (range.start, name)));
            return Ok(Node::Expression(range));
        };
        let name = self.name(body);
        let behind = self.inside(body, name);
        let names = roots(behind.split_once('(').map_or("", |(_, names)| names));
        let (at, before) = (self.at, self.factors.names.bind(&names, None));
        (self.at, self.calls, self.expanded) = (body, self.calls + 1, self.expanded + 1);
        let nodes = self.section(name)?;
        (self.at, self.calls) = (at, self.calls - 1);
        self.factors.names.unbind(before);
        Ok(Node::Group(nodes))
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
        let names: BTreeSet<String> = tags.flat_map(changed).collect();
        names.into_iter().collect()
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
            return self.body("set");
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
