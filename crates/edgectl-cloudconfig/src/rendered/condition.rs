//! What conditions ask, so that those which ask the same go the same way.

use super::names::Names;

/// What a condition asks of the factors, as far as that can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    /// A factor has a value; another one of its own in later turns of a loop.
    Is([usize; 2], usize),
    /// In which turns of the loop with these factors it holds: the first of two, the
    /// second, and the only one.
    Turn([usize; 2], [bool; 3]),
    Not(Box<Condition>),
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Always,
}

/// The second of two turns.
pub(super) const AGAIN: usize = 1;
/// A turn that is the only one.
pub(super) const ONLY: usize = 2;

/// The value of a factor for what holds, or for the first turn of a loop alone.
pub(super) const HOLDS: usize = 0;
/// The value of a loop's factor for two turns.
pub(super) const TWICE: usize = 1;
/// The value of a loop's factor for no turn.
pub(super) const NEVER: usize = 2;

/// Most conditions inside of each other that are looked into.
const MAX_DEPTH: usize = 64;

/// Something that hosts have in one of several ways.
pub(super) struct Factor {
    name: String,
    kind: Kind,
}

enum Kind {
    /// It holds or not.
    Flag,
    /// Turns of a loop; whether there may be none.
    Loop(bool),
    /// One of these texts, or another one.
    Text(Vec<String>),
}

impl Factor {
    /// How many ways there are.
    pub(super) fn count(&self) -> usize {
        match &self.kind {
            Kind::Flag => 2,
            Kind::Loop(may_be_none) => 2 + usize::from(*may_be_none),
            Kind::Text(texts) => texts.len() + 1,
        }
    }
}

/// The factors of a template while its statements are read.
#[derive(Default)]
pub(super) struct Factors {
    pub(super) all: Vec<Factor>,
    /// Names that loops around give values to, which differ from turn to turn.
    pub(super) loops: Vec<Vec<String>>,
    /// The factors of those loops.
    pub(super) turns: Vec<[usize; 2]>,
    /// What was given values so far.
    pub(super) names: Names,
}

impl Factors {
    /// The condition of `if` or `elif`, without the statement around it.
    pub(super) fn condition(&mut self, text: &str) -> Condition {
        self.inner(text, MAX_DEPTH)
    }

    /// What stands in a condition, which is asked as a whole where it stands too
    /// deeply in it.
    fn inner(&mut self, text: &str, depth: usize) -> Condition {
        let text = text.trim();
        let Some(depth) = depth.checked_sub(1) else { return self.flag(text) };
        if let Some(inside) = unwrapped(text) {
            return self.inner(inside, depth);
        }
        // `a if b else c`
        if split(text, " if ").len() > 1 {
            return self.flag(text);
        }
        let any = split(text, " or ");
        if any.len() > 1 {
            return Condition::Any(any.into_iter().map(|part| self.inner(part, depth)).collect());
        }
        let all = split(text, " and ");
        if all.len() > 1 {
            return Condition::All(all.into_iter().map(|part| self.inner(part, depth)).collect());
        }
        let (mut rest, mut is_not) = (text, false);
        let is_behind = |rest: &&str| rest.starts_with(|c: char| c == '(' || c.is_whitespace());
        while let Some(inside) = rest.strip_prefix("not").filter(is_behind) {
            (rest, is_not) = (inside.trim_start(), !is_not);
        }
        let condition = match unwrapped(rest) {
            Some(inside) => self.inner(inside, depth),
            None => self.test(rest),
        };
        if is_not { Condition::Not(Box::new(condition)) } else { condition }
    }

    /// The turns of `for … in …`.
    pub(super) fn turns(&mut self, over: &str) -> [usize; 2] {
        let over = over.trim();
        let is_written =
            over.starts_with(['[', '(']) && !over[1..].trim_start().starts_with([']', ')']);
        let may_be_none = !is_written || split(over, " if ").len() > 1;
        self.both(&format!("for {}", plain(over)), || Kind::Loop(may_be_none))
    }

    fn test(&mut self, text: &str) -> Condition {
        if matches!(text, "true" | "True") {
            return Condition::Always;
        }
        if matches!(text, "false" | "False") {
            return Condition::Not(Box::new(Condition::Always));
        }
        if let Some(turn) = self.turn(text) {
            return turn;
        }
        for (operator, is_not) in
            [(" is not ", true), (" not in ", true), ("!=", true), ("==", false), (" in ", false)]
        {
            let [left, right] = split(text, operator)[..] else { continue };
            let (left, right) = (left.trim(), right.trim());
            let condition = match operator {
                " is not " => self.flag(&format!("{left} is {right}")),
                "!=" | "==" => self.equal(left, right),
                _ => self.one_of(left, right),
            };
            return if is_not { Condition::Not(Box::new(condition)) } else { condition };
        }
        self.flag(text)
    }

    /// What `loop.first` and the like ask, where that is not the same in all turns.
    fn turn(&self, text: &str) -> Option<Condition> {
        let asked = text.strip_prefix("loop.")?;
        let operator = ["==", "!=", "<=", ">=", "<", ">"].into_iter().find(|o| asked.contains(o));
        let (name, number) = match operator {
            Some(operator) => {
                let (name, number) = asked.split_once(operator)?;
                (name.trim(), number.trim().parse::<u32>().ok()?)
            }
            None => (asked.trim(), 0),
        };
        let values = match name {
            "first" if operator.is_none() => [1, 0, 1],
            "last" if operator.is_none() => [0, 1, 1],
            "index" => [1, 2, 1],
            "index0" => [0, 1, 0],
            "revindex" => [2, 1, 1],
            "revindex0" => [1, 0, 0],
            "length" => [2, 2, 1],
            _ => return None,
        };
        let on = values.map(|value: u32| match operator {
            Some("==") => value == number,
            Some("<=") => value <= number,
            Some(">=") => value >= number,
            Some("<") => value < number,
            Some(">") => value > number,
            _ => value != number,
        });
        let differs = on.contains(&true) && on.contains(&false);
        Some(Condition::Turn(*self.turns.last().filter(|_| differs)?, on))
    }

    fn equal(&mut self, left: &str, right: &str) -> Condition {
        let (left, right) = if literal(left).is_some() { (right, left) } else { (left, right) };
        match literal(right) {
            Some(text) => self.text(left, &text),
            None => self.flag(&format!("{left} == {right}")),
        }
    }

    /// `a in ["b", "c"]`, `a in ("b", "c")`
    fn one_of(&mut self, left: &str, right: &str) -> Condition {
        let list = right.strip_prefix('[').and_then(|right| right.strip_suffix(']'));
        // Without a comma it is no tuple, and asks for a piece of a text.
        let tuple = unwrapped(right).filter(|inside| split(inside, ",").len() > 1);
        let items: Option<Vec<String>> = list.or(tuple).and_then(|inside| {
            let inside = inside.trim().strip_suffix(',').unwrap_or(inside);
            split(inside, ",").into_iter().map(|item| literal(item.trim())).collect()
        });
        match items {
            Some(items) => Condition::Any(items.iter().map(|item| self.text(left, item)).collect()),
            None => self.flag(&format!("{left} in {right}")),
        }
    }

    fn flag(&mut self, text: &str) -> Condition {
        Condition::Is(self.both(&plain(text), || Kind::Flag), HOLDS)
    }

    fn text(&mut self, asked: &str, text: &str) -> Condition {
        let factors = self.both(&format!("{} ==", plain(asked)), || Kind::Text(Vec::new()));
        let mut value = 0;
        for factor in factors {
            let Kind::Text(texts) = &mut self.all[factor].kind else { continue };
            value = texts.iter().position(|own| own == text).unwrap_or_else(|| {
                texts.push(text.to_owned());
                texts.len() - 1
            });
        }
        Condition::Is(factors, value)
    }

    /// The factor of a name, and that of later turns of the loops around, where
    /// they have a say in it.
    fn both(&mut self, name: &str, kind: impl Fn() -> Kind) -> [usize; 2] {
        let named = self.names.named(name);
        let varies = self.loops.iter().flatten().any(|own| named.contains(own));
        let name = format!("{name}{}", self.names.version(name));
        let first = self.factor(name.clone(), &kind);
        [first, if varies { self.factor(format!("{name} again"), &kind) } else { first }]
    }

    fn factor(&mut self, name: String, kind: impl Fn() -> Kind) -> usize {
        self.all.iter().position(|factor| factor.name == name).unwrap_or_else(|| {
            self.all.push(Factor { name, kind: kind() });
            self.all.len() - 1
        })
    }
}

impl Condition {
    /// Whether it holds where the factors have these values.
    pub(super) fn holds(&self, values: &[usize], turn: usize) -> bool {
        match self {
            Self::Is(factors, value) => {
                values.get(factors[usize::from(turn == AGAIN)]) == Some(value)
            }
            Self::Turn(_, on) => on.get(turn) == Some(&true),
            Self::Not(one) => !one.holds(values, turn),
            Self::All(all) => all.iter().all(|one| one.holds(values, turn)),
            Self::Any(any) => any.iter().any(|one| one.holds(values, turn)),
            Self::Always => true,
        }
    }

    /// Sets the factors so that it holds, or doesn't.
    pub(super) fn force(&self, holds: bool, values: &mut [usize], factors: &[Factor]) {
        match self {
            Self::Is(own, value) => {
                for factor in own {
                    let count = factors.get(*factor).map_or(1, Factor::count);
                    let Some(now) = values.get_mut(*factor) else { continue };
                    match holds {
                        true => *now = *value,
                        false if *now == *value => *now = (*value + 1) % count,
                        false => {}
                    }
                }
            }
            Self::Turn(own, on) => {
                for factor in own {
                    let Some(now) = values.get_mut(*factor) else { continue };
                    let twice = on[..ONLY].contains(&holds);
                    let once = on[ONLY] == holds;
                    match *now {
                        TWICE if twice => {}
                        HOLDS if once => {}
                        _ => *now = if twice { TWICE } else { HOLDS },
                    }
                }
            }
            Self::Not(one) => one.force(!holds, values, factors),
            Self::All(all) if holds => all.iter().for_each(|one| one.force(true, values, factors)),
            Self::Any(any) if !holds => {
                any.iter().for_each(|one| one.force(false, values, factors))
            }
            Self::All(some) | Self::Any(some) => {
                if let Some(one) = some.first() {
                    one.force(holds, values, factors);
                }
            }
            Self::Always => {}
        }
    }
}

/// With one blank between words.
pub(super) fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A number as it is written, or a text, which is none whatever it says.
fn literal(text: &str) -> Option<String> {
    for quote in ['"', '\''] {
        let inside = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
        if let Some(inside) = inside.filter(|inside| !inside.contains([quote, '\\'])) {
            return Some(format!("'{inside}"));
        }
    }
    (!text.is_empty() && text.bytes().all(|c| c.is_ascii_digit())).then(|| text.to_owned())
}

/// What stands in the brackets around the whole, if there are some.
pub(super) fn unwrapped(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('(')?.strip_suffix(')')?;
    levels(inside).all(|(_, level)| level >= 0).then_some(inside)
}

/// The parts of a text between separators that are neither in brackets nor in
/// quotes.
pub(super) fn split<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, level) in levels(text) {
        if level == 0 && at >= start && text[at..].starts_with(separator) {
            parts.push(&text[start..at]);
            start = at + separator.len();
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Where characters stand that are in no quotes, and in how many brackets.
fn levels(text: &str) -> impl Iterator<Item = (usize, i32)> {
    let (mut quote, mut level) = (None, 0);
    text.char_indices().filter_map(move |(at, c)| {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{') => level += 1,
            (None, ')' | ']' | '}') => level -= 1,
            _ => {}
        }
        quote.is_none().then_some((at, level))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_bounded() {
        let mut factors = Factors::default();
        let a = factors.condition("a");
        let nots = |count: usize| format!("{}a", "not ".repeat(count));
        assert_eq!(factors.condition(&nots(20_000)), a);
        assert_eq!(factors.condition(&nots(20_001)), Condition::Not(Box::new(a.clone())));
        for (open, close) in [("(", ")"), ("not (", ")"), ("b or (c and ", ")")] {
            let mut factors = Factors::default();
            factors.condition("a");
            let mut of = |count: usize| {
                factors.condition(&format!("{}a{}", open.repeat(count), close.repeat(count)))
            };
            assert!(of(4).holds(&[0, 1, 0], 0));
            of(20_000);
        }
    }

    #[test]
    fn what_asks_the_same_is_one_factor() {
        let mut factors = Factors::default();
        let mut of = |text: &str| factors.condition(text);
        let a = of("a");
        assert_eq!(of("not a"), Condition::Not(Box::new(a.clone())));
        assert_eq!(of("( a )"), a);
        assert_eq!(of("a and not a"), Condition::All(vec![a.clone(), of("not a")]));
        let eu = of("v1.region == \"eu\"");
        assert_eq!(of("'eu' == v1.region"), eu);
        assert_eq!(of("v1.region != 'eu'"), Condition::Not(Box::new(eu.clone())));
        assert_eq!(
            of("v1.region in ['eu', 'us']"),
            Condition::Any(vec![eu, of("v1.region == 'us'")])
        );
        assert_eq!(of("not(a)"), of("not a"));
        assert_eq!(of("not (a)"), of("not a"));
        assert_eq!(of("v1.region in ('eu', 'us')"), of("v1.region in ['eu', 'us',]"));
        assert_ne!(of("v1.region in ('eu')"), of("v1.region in ['eu']"));
        assert_eq!(of("x is not defined"), Condition::Not(Box::new(of("x is defined"))));
        assert_eq!(of("f(a, \" and \")"), of("f(a,  \" and \")"));
        assert_eq!(factors.all.iter().map(Factor::count).collect::<Vec<_>>(), [2, 3, 2, 2, 2]);
        factors.names.read("{% set a = 1 %}");
        assert_ne!(factors.condition("a"), a);
    }
}
