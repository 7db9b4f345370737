//! What Jinja makes of a template on hosts, as far as that can be told without
//! its values: words stand for those, and conditions go in all ways that hosts can
//! have them.
//!
//! Blanks and line ends go as cloud-init has it (`trim_blocks`, no
//! `lstrip_blocks`): a statement takes the line end behind it along, and the
//! blanks before it stay.

mod condition;
mod filters;
mod names;
mod shape;
mod tokens;
mod ways;

use std::cell::OnceCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use crate::error::Place;
use crate::lines::{self, Starts};
use condition::{AGAIN, NEVER, ONLY, TWICE};
use filters::Filter;
pub(crate) use shape::Section;
use shape::{Node, Shape};
pub(crate) use ways::Extent;

/// How much longer than the template a rendering may get.
const MAX_GROWTH: usize = 8;

const GROWN: &str = "loops of the template inside of each other make too much of it";
const MANY: &str = "the template has more conditions than can be tried in all their ways; split it into parts of fewer ones (MIME multipart), or take conditions together";

const FILTERED: &str = "what this filter makes of several lines isn't known before the template has run; `trim`, `indent`, `upper` and `lower` are: use these, or put filters behind values (`{{ a | b }}`)";

/// What no host can run, or nobody can try in all its ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Where in the template.
    pub(crate) at: usize,
    pub(crate) message: &'static str,
}

impl Fault {
    /// Whether hosts can run it, and only nobody can try all that they may get.
    pub(crate) fn is_of_size(&self) -> bool {
        [GROWN, MANY, FILTERED].contains(&self.message)
    }
}

/// An expression of what may be lines, which nobody can tell.
pub(crate) struct Untold<'a> {
    /// Where in the template.
    pub(crate) at: usize,
    /// What it names; the rest of it may be a secret.
    pub(crate) name: &'a str,
}

/// A template that can be run in several ways.
pub(crate) struct Ways<'a> {
    template: &'a str,
    /// The end of its last line, which Jinja takes away and cloud-init puts there.
    end: &'static str,
    shape: Shape,
    /// Values of what conditions ask, for each way.
    values: Vec<Vec<usize>>,
    /// Why there are others.
    untried: Option<Fault>,
}

impl<'a> Ways<'a> {
    /// None for [`Extent::Pairs`] where there are too many.
    pub(crate) fn of(whole: &'a str, extent: Extent) -> Result<Self, Fault> {
        let (template, end) = match whole.strip_suffix('\n') {
            Some(open) => (open.strip_suffix('\r').unwrap_or(open), "\n"),
            None => (whole, ""),
        };
        let shape = Shape::of(template)?;
        let (values, is_all) = ways::ways(&shape.factors, &shape.forks, template.len(), extent);
        let untried = (!is_all).then_some(Fault { at: shape.forks_at, message: MANY });
        match untried.filter(|_| extent == Extent::Pairs) {
            Some(fault) => Err(fault),
            None => Ok(Self { template, end, shape, values, untried }),
        }
    }

    /// Why more ways were to be tried than there are here.
    pub(crate) fn untried(&self) -> Option<Fault> {
        self.untried
    }

    /// The first expression of a macro, or of what is set to an `endset`, that isn't
    /// followed.
    pub(crate) fn untold(&self) -> Option<Untold<'_>> {
        let (at, name) = self.shape.untold.first()?;
        Some(Untold { at: *at, name })
    }

    /// The place of an offset of the template.
    pub(crate) fn place(&self, at: usize) -> Place {
        lines::place(self.template, at)
    }

    /// How many ways there are. A template that differs in texts and expressions
    /// alone has the same ones.
    pub(crate) fn count(&self) -> usize {
        self.values.len()
    }

    /// The template as some hosts have it; `mark` begins the words that stand for
    /// values.
    pub(crate) fn rendered(&self, way: usize, mark: &str) -> Result<Rendered, Fault> {
        let mut run = Run {
            template: self.template,
            mark,
            values: self.values.get(way).map_or(&[], Vec::as_slice),
            out: Rendered {
                text: String::new(),
                pieces: Vec::new(),
                raw: self.template.to_owned(),
                starts: OnceCell::new(),
            },
        };
        run.nodes(&self.shape.nodes, 0, 0)?;
        run.put(self.template.len(), self.end.to_owned());
        Ok(run.out)
    }

    /// The statement that begins one, in short.
    pub(crate) fn opening(&self, section: &Section) -> &str {
        let whole = self.template.get(section.opening.clone()).unwrap_or_default();
        whole.trim_start_matches("{%").trim_end_matches("%}").trim_matches(['-', '+']).trim()
    }

    /// The branches and loops around a place of the template, the outermost first.
    pub(crate) fn around(&self, at: usize) -> Vec<&Section> {
        self.shape.sections.iter().filter(|section| section.range.contains(&at)).collect()
    }
}

/// A template as a host may have it.
pub(crate) struct Rendered {
    pub(crate) text: String,
    /// Where pieces of it start, and where they stood.
    pieces: Vec<(usize, usize)>,
    raw: String,
    /// Where the lines of both start, once it is asked for.
    starts: OnceCell<(Starts, Starts)>,
}

impl Rendered {
    fn starts(&self) -> &(Starts, Starts) {
        self.starts.get_or_init(|| (Starts::of(&self.text), Starts::of(&self.raw)))
    }

    /// A place in it as a place in the template.
    pub(crate) fn place(&self, place: Place) -> Place {
        self.starts().1.place(&self.raw, self.offset(place))
    }

    /// A place in it as an offset of the template.
    pub(crate) fn offset(&self, place: Place) -> usize {
        let at = self.starts().0.at(&self.text, place);
        let piece = self.pieces.partition_point(|(start, _)| *start <= at);
        let (start, from) = piece.checked_sub(1).map_or((0, 0), |last| self.pieces[last]);
        let next = self.pieces.get(piece).map_or(self.raw.len(), |(_, next)| *next).max(from);
        (from + (at - start)).min(next)
    }
}

struct Run<'a> {
    template: &'a str,
    mark: &'a str,
    values: &'a [usize],
    out: Rendered,
}

impl Run<'_> {
    /// `turn` is that of the loop around, `loops` is how many there are.
    fn nodes(&mut self, nodes: &[Node], turn: usize, loops: usize) -> Result<(), Fault> {
        nodes.iter().try_for_each(|node| self.node(node, turn, loops))
    }

    fn node(&mut self, node: &Node, turn: usize, loops: usize) -> Result<(), Fault> {
        match node {
            Node::Text(range) => {
                self.ensure_small(range)?;
                self.put(range.start, self.template[range.clone()].to_owned());
                Ok(())
            }
            Node::Expression(range) => {
                self.ensure_small(range)?;
                let word = value(&self.template[range.clone()], self.mark);
                self.put(range.start, word);
                Ok(())
            }
            Node::If(branches) => {
                let is_taken = |condition: &Option<condition::Condition>| {
                    condition.as_ref().is_none_or(|one| one.holds(self.values, turn))
                };
                match branches.iter().find(|(condition, _)| is_taken(condition)) {
                    Some((_, nodes)) => self.nodes(nodes, turn, loops),
                    None => Ok(()),
                }
            }
            Node::For { turns, body, other } => {
                match self.values.get(turns[usize::from(turn == AGAIN)]) {
                    Some(&NEVER) => self.nodes(other, turn, loops),
                    // Two of all turns of three loops would be many.
                    Some(&TWICE) if loops < 2 => {
                        self.nodes(body, 0, loops + 1)?;
                        self.nodes(body, AGAIN, loops + 1)
                    }
                    _ => self.nodes(body, ONLY, loops + 1),
                }
            }
            Node::Group(nodes) => self.nodes(nodes, turn, loops),
            Node::Filtered(at, filters, nodes) => {
                let start = (self.out.text.len(), self.out.pieces.len());
                self.nodes(nodes, turn, loops)?;
                filters.iter().try_for_each(|filter| self.filter(*at, start, filter))
            }
        }
    }

    /// What a filter makes of all behind some text and pieces.
    fn filter(
        &mut self,
        at: usize,
        (start, first): (usize, usize),
        filter: &Filter,
    ) -> Result<(), Fault> {
        let text = self.out.text.split_off(start);
        let pieces = self.out.pieces.split_off(first);
        self.ensure_fits(at, text.len() + filter.growth(&text))?;
        let told = filter.kept(&text, self.mark);
        for (new, old) in told.ok_or(Fault { at, message: FILTERED })? {
            let (begin, end) = (start + old.start, start + old.end);
            let next = pieces.partition_point(|(place, _)| *place <= begin);
            let before = next.checked_sub(1).map(|last| pieces[last]);
            let from = before.map_or(at, |(place, from)| from + (begin - place));
            self.put(from, new);
            let (mut done, mut from) = (begin, from);
            for (place, own) in pieces[next..].iter().take_while(|(place, _)| *place < end) {
                self.put(from, text[done - start..place - start].to_owned());
                (done, from) = (*place, *own);
            }
            self.put(from, text[done - start..old.end].to_owned());
        }
        Ok(())
    }

    fn ensure_small(&self, range: &Range<usize>) -> Result<(), Fault> {
        self.ensure_fits(range.start, 0)
    }

    /// Whether so much more may come.
    fn ensure_fits(&self, at: usize, more: usize) -> Result<(), Fault> {
        match self.out.text.len() + more > MAX_GROWTH * (self.template.len() + 1024) {
            true => Err(Fault { at, message: GROWN }),
            false => Ok(()),
        }
    }

    fn put(&mut self, from: usize, text: String) {
        self.out.pieces.push((self.out.text.len(), from));
        self.out.text.push_str(&text);
    }
}

/// A word for a value; what is a text by itself stands for that.
fn value(expression: &str, mark: &str) -> String {
    let inside = expression.get(2..expression.len() - 2).unwrap_or_default();
    let inside = inside.trim_matches(['-', '+']).trim();
    for quote in ['"', '\''] {
        let text = inside.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
        if let Some(text) = text.filter(|text| !text.contains([quote, '\\'])) {
            return text.to_owned();
        }
    }
    word(inside, mark)
}

/// The same word for the same text.
fn word(text: &str, mark: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{mark}{}z", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All that hosts can have, values as `W`.
    fn all(template: &str) -> Result<Vec<String>, Fault> {
        let ways = Ways::of(template, Extent::Pairs)?;
        let mut texts: Vec<String> = Vec::new();
        for way in 0..ways.count() {
            let mut shown = ways.rendered(way, "edgehole")?.text;
            while let Some(at) = shown.find("edgehole") {
                let end = at + shown[at..].find('z').unwrap() + 1;
                shown.replace_range(at..end, "W");
            }
            if !texts.contains(&shown) {
                texts.push(shown);
            }
        }
        Ok(texts)
    }

    #[test]
    fn blanks_go_as_on_the_host() {
        for (template, expected) in [
            ("a: {% if b %}1{% else %}2{% endif %}\nc\n", vec!["a: 1c\n", "a: 2c\n"]),
            ("{% if b %}\na\n{% endif %}\nc\n", vec!["a\nc\n", "c\n"]),
            ("x\n  {% if b -%}\n  - a\n  {% endif %}\nc\n", vec!["x\n  - a\n  c\n", "x\n  c\n"]),
            (
                "x\n{%- for y in z %}\n- {{ y }}\n{%- endfor %}\n",
                vec!["x- W\n", "x- W- W\n", "x\n"],
            ),
            ("{% for y in [1, 2] %}a{% endfor %}", vec!["a", "aa"]),
            ("{{ a -}}\n b{# c #}\nd\n", vec!["Wbd\n"]),
            ("{% raw %}\n{{ a }}{% endraw %}\nb\n", vec!["\n{{ a }}b\n"]),
            ("{%\traw\n%}{{ a }}{% endraw %}b\n", vec!["{{ a }}b\n"]),
            ("{% set a = 1 %}{% set b %}x{% endset %}c {{ \"{{\" }}\r\n", vec!["c {{\n"]),
            ("{% do a.append(1) %}\nx\n", vec!["x\n"]),
            ("a\n{% filter trim %}\nb: {{ c }}\n{% endfilter %}\nd\n", vec!["a\nb: Wd\n"]),
            ("a: |\n{% filter indent(2, true) %}\nb\nc\n{% endfilter %}", vec!["a: |\n  b\n  c\n"]),
            ("a: {% filter replace('x', 'y') %}b {{ c }}{% endfilter %}", vec!["a: W"]),
            (
                "{% macro m(a) %}{% if a %}x{% endif %}{% endmacro %}{{ m(1) }}-{{ m(2) }}",
                vec!["x-x", "-x", "x-", "-"],
            ),
            ("{% macro m(a) %}\n- {{ a }}\n{% endmacro %}\n{{ m(b) }}c\n", vec!["- W\nc\n"]),
            ("{% set a %}\n- b\n{% endset %}\n{{ a }}{{ a | trim }}\n", vec!["- b\nW\n"]),
            ("{% set a %}b{% endset %}{% set a = 1 %}{{ a }}", vec!["W"]),
            ("{% macro m() %}a{{ m() }}{% endmacro %}{{ m() }}", vec!["aaaaaaaaW"]),
            (
                "{% macro m() %}a{{ caller() }}{% endmacro %}{% call m() %}b{% endcall %}",
                vec!["aW"],
            ),
            ("{% if a %}x{% elif d %}z{% endif %}", vec!["x", "z", ""]),
            ("{% if a %}x{% endif %}{% if not a %}y{% endif %}", vec!["x", "y"]),
            ("{% if a == 'b' %}x{% endif %}{% if a == 'c' %}y{% endif %}", vec!["x", "y", ""]),
            (
                "{% if a %}x{% endif %}{% set a = 1 %}{% if a %}y{% endif %}",
                vec!["xy", "y", "x", ""],
            ),
            ("{% if a.b %}x{% endif %}{% set b = a.c %}{% if a.b %}y{% endif %}", vec!["xy", ""]),
            (
                "{% set n = namespace() %}{% if n.a %}x{% endif %}{% set n.a = 1 %}{% if n.a %}y{% endif %}",
                vec!["xy", "y", "x", ""],
            ),
            (
                "{% if a %}x{% endif %}{% do a.append(1) %}{% if a %}y{% endif %}",
                vec!["xy", "y", "x", ""],
            ),
            (
                "{% if a %}x{% endif %}{% with a = 1 %}{% if a %}y{% endif %}{% endwith %}{% if a %}z{% endif %}",
                vec!["xyz", "y", "xz", ""],
            ),
            (
                "{% if a %}x{% endif %}{% for a in [1] %}{% if a %}y{% endif %}{% endfor %}",
                vec!["xy", "y", "xyy", "yy", "x", ""],
            ),
            (
                "{% for k in [1] %}{% if n.a %}x{% else %}y{% endif %}{% set n.a = 1 %}{% endfor %}",
                vec!["x", "xx", "y", "yx", "xy", "yy"],
            ),
            (
                "{% for a in b %}{% if a %}x{% endif %}y{% endfor %}",
                vec!["xy", "xyxy", "", "y", "yxy", "xyy", "yy"],
            ),
        ] {
            assert_eq!(all(template).unwrap(), expected, "{template:?}");
        }
    }

    #[test]
    fn what_no_host_can_run_is_told_with_its_place() {
        let deep = "{% if a %}".repeat(65);
        for (template, at, said) in [
            ("a {% endif +%}\n", 2, "ends what was not begun"),
            ("a {% if b %}\n", 2, "not closed"),
            ("{% if b %}{% endfor %}", 10, "something else than was begun"),
            ("{% if b %}{% else %}{% else %}{% endif %}", 20, "something else than was begun"),
            ("ab {{ c", 3, "not closed"),
            ("a{% include 'b' %}", 1, "no files"),
            ("a{% trans %}", 1, "no such statement"),
            (&deep, 640, "too deeply"),
            ("a\n{% filter wordwrap(9) %}b{% endfilter %}", 2, "this filter"),
            ("a\n{% filter replace('b', ': ') %}b\n{% endfilter %}", 2, "this filter"),
        ] {
            let fault = all(template).unwrap_err();
            assert!(fault.at == at && fault.message.contains(said), "{template} {fault:?}");
        }
        assert!(all(&("{% if a %}".repeat(40) + "x" + &"{% endif %}".repeat(40))).is_ok());
        let loops = "{% for a in b %}x{% endfor %}".repeat(3);
        assert_eq!(all(&loops).unwrap(), ["xxx", "xxxxxx", ""]);
    }

    #[test]
    fn many_conditions_are_tried_with_their_neighbours() {
        let conditions = |count: usize| -> String {
            (0..count)
                .map(|n| format!("{{% if c{n} %}}a{n},{{% else %}}b{n},{{% endif %}}"))
                .collect()
        };
        let texts = all(&conditions(40)).unwrap();
        for n in 0..39 {
            for pair in ["aa", "ab", "ba", "bb"] {
                let (one, other) = pair.split_at(1);
                let pair = format!("{one}{n},{other}{},", n + 1);
                assert!(texts.iter().any(|text| text.contains(&pair)), "{pair}");
            }
        }
        let nested = (0..12).fold("x".to_owned(), |inner, n| {
            format!("{{% if c{n} %}}{inner}{{% elif d{n} %}}y{n},{{% else %}}z{n},{{% endif %}}")
        });
        let texts = all(&nested).unwrap();
        for n in 0..12 {
            assert!(texts.contains(&format!("y{n},")) && texts.contains(&format!("z{n},")), "{n}");
        }
        let ways = Ways::of(&nested, Extent::Branches).unwrap();
        let texts: Vec<String> =
            (0..ways.count()).map(|way| ways.rendered(way, "w").unwrap().text).collect();
        for n in 0..12 {
            assert!(texts.contains(&format!("y{n},")) && texts.contains(&format!("z{n},")), "{n}");
        }
        assert!(all(&conditions(200)).unwrap_err().message.contains("more conditions"));
        let long = format!("{}{}", "# a line of text that is long\n".repeat(2000), conditions(30));
        for extent in [Extent::Pairs, Extent::Branches] {
            let ways = Ways::of(&long, extent).unwrap();
            assert!(ways.untried().is_none() && ways.count() < 1000, "{extent:?}");
        }
    }

    #[test]
    fn each_branch_is_tried_alone_and_left_out() {
        for count in [6, 7, 9, 20, 40] {
            let conditions: String =
                (0..count).map(|n| format!("{{% if c{n} %}}{n},{{% endif %}}")).collect();
            let texts = all(&conditions).unwrap();
            let every: Vec<String> = (0..count).map(|n| format!("{n},")).collect();
            for n in 0..count {
                assert!(texts.contains(&every[n]), "{n} of {count}");
                let others = [&every[..n], &every[n + 1..]].concat().concat();
                assert!(texts.contains(&others), "all but {n} of {count}");
                assert!(texts.contains(&every[..=n].concat()), "{n} of {count} and none behind");
            }
            let inside = format!("{{% if o %}}{conditions}{{% endif %}}");
            let ways = Ways::of(&inside, Extent::Branches).unwrap();
            let texts: Vec<String> =
                (0..ways.count()).map(|way| ways.rendered(way, "w").unwrap().text).collect();
            assert!(every.iter().all(|one| texts.contains(one)), "{count} inside of another");
        }
    }

    #[test]
    fn turns_of_loops_decide_what_is_asked_of_them() {
        for (asked, expected) in [
            ("loop.first", ["y,", "y,n,", ""]),
            ("not loop.last", ["n,", "y,n,", ""]),
            ("loop.index > 1", ["n,", "n,y,", ""]),
            ("loop.length == 1", ["y,", "n,n,", ""]),
        ] {
            let template = format!(
                "{{% for a in b %}}{{% if {asked} %}}y,{{% else %}}n,{{% endif %}}{{% endfor %}}"
            );
            assert_eq!(all(&template).unwrap(), expected, "{asked}");
        }
    }

    #[test]
    fn places_are_those_of_the_template() {
        let template = "a: 1\n{% if b %}\nc: {{ d }}  e\n{% endif %}\nf: g\n";
        let ways = Ways::of(template, Extent::Pairs).unwrap();
        let rendered = ways.rendered(0, "edgehole").unwrap();
        assert_eq!(rendered.place(Place::new(2, 1)), Place::new(3, 1));
        assert_eq!(rendered.place(Place::new(3, 4)), Place::new(5, 4));
        assert_eq!(rendered.place(Place::new(2, 4)), Place::new(3, 4));
        let around = ways.around(rendered.offset(Place::new(2, 1)));
        assert_eq!(around.iter().map(|one| ways.opening(one)).collect::<Vec<_>>(), ["if b"]);
        assert!(ways.around(rendered.offset(Place::new(3, 1))).is_empty());
    }
}
