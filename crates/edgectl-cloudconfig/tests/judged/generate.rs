//! Templates with up to eight conditions, the same ones for the same seed.

use serde_json::{Value, json};

/// Most values that a template is tried with.
const MOST: usize = 64;

/// What makes lists, and values.
const MACROS: &str = "{% macro r(x) %}
{% if x %}
  - {{ x }}
{% endif %}
  - {{ n.f }}
{% endmacro %}
{% macro q(x) %}{% if x == 'x' %}{{ x }}{% else %}[{{ x }}]{% endif %}{% endmacro %}
{% macro w(x) %}{% if x %}[{{ caller() }}]{% endif %}{% endmacro %}
{% set s %}
  - s
{% if a %}
  - a
{% endif %}
{% endset %}
";

/// A template with what hosts may have.
pub(crate) struct Template {
    pub(crate) text: String,
    pub(crate) values: Vec<Value>,
    /// Whether those are all values of what it asks.
    pub(crate) is_whole: bool,
}

impl Template {
    /// One that gives values to names, too.
    pub(crate) fn of(seed: u64) -> Self {
        Self::made(seed, false)
    }

    /// One that only asks for what differs from host to host.
    pub(crate) fn plain(seed: u64) -> Self {
        Self::made(seed, true)
    }

    fn made(seed: u64, is_plain: bool) -> Self {
        let mut maker = Maker { state: seed, left: 0, keys: 0, loops: 0, is_odd: false, is_plain };
        maker.left = 1 + maker.below(8);
        maker.is_odd = maker.below(3) == 0;
        let text = maker.template();
        let (values, is_whole) = values(&text, seed);
        Self { text, values, is_whole }
    }
}

/// Values of all that the statements of a text name, and whether they are all.
fn values(text: &str, seed: u64) -> (Vec<Value>, bool) {
    let tags: Vec<&str> =
        text.split("{%").skip(1).filter_map(|tag| tag.split("%}").next()).collect();
    let is_asked = |name: &str| {
        tags.iter().any(|tag| tag.split(|c: char| !c.is_alphanumeric()).any(|word| word == name))
    };
    let counts = ["a", "b", "c", "d", "f", "t", "l"].map(|name| {
        if !is_asked(name) {
            1
        } else if "tl".contains(name) {
            3
        } else {
            2
        }
    });
    let all: usize = counts.iter().product();
    let step = (all / MOST).max(1);
    let first = usize::try_from(seed).unwrap() % step;
    let value = |number: usize| {
        let mut rest = number;
        let [a, b, c, d, f, t, l] = counts.map(|count| {
            let digit = rest % count;
            rest /= count;
            digit
        });
        let (text, list) = (["x", "y", "z"][t], &["x", "y"][..l]);
        let v = json!({"name": "seven", "f": f == 1});
        let other = ["y", "x"][a];
        json!({
            "a": a == 1, "b": b == 1, "c": c == 1, "d": d == 1,
            "t": text, "l": list, "v": v, "w": other,
        })
    };
    ((first..all).step_by(step).take(MOST).map(value).collect(), all <= MOST)
}

struct Maker {
    state: u64,
    /// Conditions that may come.
    left: usize,
    keys: usize,
    loops: usize,
    /// Whether statements may stand anyhow.
    is_odd: bool,
    /// Whether nothing is given a value.
    is_plain: bool,
}

impl Maker {
    /// SplitMix64
    fn below(&mut self, count: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap() % count
    }

    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    fn template(&mut self) -> String {
        let mut text = "## template: jinja\n#cloud-config\n".to_owned();
        if !self.is_plain {
            text += "{% set n = namespace(f=a) %}\n{% set m = l | list %}\n";
            text += MACROS;
        }
        let place = self.below(4);
        for n in 0..4 {
            if n == place {
                text += self.one_of(&[
                    "",
                    "",
                    "stylus:\n  debug: true\n",
                    "stylus:\n  site: {name: {{ v.name }}}\n\n",
                    "stylus: {trace: true}\n",
                ]);
            }
            text += &self.entries(0, 1);
        }
        if self.below(6) == 0 {
            text.truncate(text.trim_end().len());
        }
        text
    }

    fn key(&mut self) -> String {
        self.keys += 1;
        format!("k{}", self.keys)
    }

    fn statement(&mut self, inside: &str) -> String {
        let (open, close) = match self.is_odd && self.below(4) == 0 {
            true => (self.one_of(&["{%", "{%-", "{%+"]), self.one_of(&["%}", "-%}", "+%}"])),
            false => ("{%", "%}"),
        };
        format!("{open} {inside} {close}")
    }

    fn asked(&mut self) -> String {
        let one = self.one_of(&[
            "a",
            "b",
            "c",
            "d",
            "not a",
            "t == 'x'",
            "t != \"y\"",
            "t in ['x', 'y']",
            "v.f",
            "a and not b",
            "c or (d and t == 'z')",
        ]);
        let other = match self.loops > 0 {
            true => self.one_of(&["loop.first", "not loop.last", "u == 'x'"]),
            false => self.one_of(&["n.f", "m", "n.f and m"]),
        };
        let is_fine = !self.is_plain || other.contains("loop");
        let is_other = self.below(3) == 0 && is_fine;
        if is_other { other } else { one }.to_owned()
    }

    /// Lines of a mapping that is `indent` deep.
    fn entries(&mut self, indent: usize, depth: usize) -> String {
        let blanks = " ".repeat(indent);
        let kind = if depth > 3 { self.below(4) } else { self.below(23) };
        match if self.is_plain && matches!(kind, 12 | 15 | 18 | 19) { 5 } else { kind } {
            0 => format!("{blanks}{}: 1\n", self.key()),
            1 => format!("{blanks}{}: {{{{ v.name }}}}\n", self.key()),
            2 => format!("{blanks}{}: \"{{{{ v.name }}}}\"  # c\n", self.key()),
            3 => format!("{blanks}{}: |\n{blanks}  text\n", self.key()),
            4..=6 => self.branches(indent, |maker| maker.entries(indent, depth + 1)),
            7 => self.list(indent),
            8 => self.flow(indent),
            9 => self.in_line(indent),
            10 => {
                let head = format!("{blanks}{}:\n{blanks}  {}: 1\n", self.key(), self.key());
                head + &self.entries(indent + 2, depth + 1)
            }
            11 => self.turns(indent, depth),
            12 => self.given() + &self.entries(indent, depth + 1),
            13 => self.block(indent),
            14 => {
                let (one, other) = (self.entries(indent, depth + 1), self.entries(indent, depth));
                one + &other
            }
            15 => format!(
                "{}\n{}{}\n",
                self.statement("with a = b"),
                self.entries(indent, depth + 1),
                self.statement("endwith")
            ),
            16 | 17 => self.split(indent),
            20 | 21 => self.filtered(indent, depth),
            18 if indent == 0 => {
                let made = self.one_of(&["{{ r(a) }}", "{{ r(u) }}{{ r(b) }}", "{{ s }}"]);
                format!("{}:\n  - one\n{made}\n", self.key())
            }
            19 => {
                let made = self.one_of(&["{{ q(t) }}", "{% call w(a) %}x{% endcall %}\n"]);
                format!("{blanks}{}: {made}\n", self.key())
            }
            _ => format!("{{# why {} #}}\n", self.key()),
        }
    }

    /// Lines that a filter makes.
    fn filtered(&mut self, indent: usize, depth: usize) -> String {
        let blanks = " ".repeat(indent);
        let key = self.key();
        match self.below(4) {
            0 => {
                let lines = self.entries(indent, depth + 1);
                format!("{{% filter trim %}}\n{lines}{{% endfilter %}}\n")
            }
            1 => {
                let lines = self.entries(0, depth + 1);
                format!(
                    "{blanks}{key}: |\n{{% filter indent({}, true) %}}\n{lines}{{% endfilter %}}\n",
                    indent + 2
                )
            }
            2 => {
                let lines = self.entries(indent, depth + 1);
                format!(
                    "{blanks}{key}:\n{{% filter indent(2, first=true, blank=true) %}}\n{lines}{{% endfilter %}}\n"
                )
            }
            _ => format!(
                "{blanks}{key}: {{% filter upper | replace('E', 'x') %}}{{{{ v.name }}}}{{% endfilter %}}\n\n"
            ),
        }
    }

    /// What one condition opens and the same one closes, unless what it asks was
    /// given another value between.
    fn split(&mut self, indent: usize) -> String {
        if self.left < 2 {
            return String::new();
        }
        self.left -= 2;
        let (blanks, key, asked) = (" ".repeat(indent), self.key(), self.asked());
        let given = if self.is_plain { String::new() } else { self.given() };
        format!(
            "{{% if {asked} %}}{blanks}{key}: [a,\n{{% endif %}}\n{given}{{% if {asked} %}}]\n{{% endif %}}\n"
        )
    }

    /// A statement that changes what is asked later.
    fn given(&mut self) -> String {
        let given = self.one_of(&[
            "set a = b",
            "set n.f = c",
            "do m.append(t)",
            "set t = w",
            "set c = v.f",
        ]);
        self.statement(given) + "\n"
    }

    fn branches(&mut self, indent: usize, mut body: impl FnMut(&mut Self) -> String) -> String {
        if self.left == 0 {
            return body(self);
        }
        self.left -= 1;
        let blanks =
            if self.is_odd && self.below(4) == 0 { " ".repeat(indent) } else { String::new() };
        let line = |maker: &mut Self, inside: &str| {
            let end = if maker.is_odd && maker.below(5) == 0 { "" } else { "\n" };
            format!("{blanks}{}{end}", maker.statement(inside))
        };
        let asked = self.asked();
        let mut text = line(self, &format!("if {asked}")) + &body(self);
        if self.left > 0 && self.below(3) == 0 {
            self.left -= 1;
            let asked = self.asked();
            text += &(line(self, &format!("elif {asked}")) + &body(self));
        }
        if self.below(3) == 0 {
            text += &(line(self, "else") + &body(self));
        }
        text + &line(self, "endif")
    }

    fn turns(&mut self, indent: usize, depth: usize) -> String {
        let blanks = " ".repeat(indent);
        let over = self.one_of(&["l", "l", "['x', 2]", "l if u != 'y'"]);
        let over = if self.is_plain { "l" } else { over };
        let open = self.statement(&format!("for u in {over}"));
        self.loops += 1;
        let key = self.key();
        let mut text =
            format!("{open}\n{blanks}{key}{{{{ loop.index }}}}:\n{blanks}  x: {{{{ u }}}}\n");
        if self.left > 0 {
            text += &self
                .branches(indent + 2, |maker| format!("{blanks}  {}: {}\n", maker.key(), depth));
        }
        if !self.is_plain && self.below(3) == 0 {
            text += &self.given();
        }
        self.loops -= 1;
        text + &self.statement("endfor") + "\n"
    }

    fn list(&mut self, indent: usize) -> String {
        let blanks = " ".repeat(indent);
        let head = format!("{blanks}{}:\n{blanks}  - one\n", self.key());
        head + &self.branches(indent, |maker| format!("{blanks}  - {}\n", maker.key()))
    }

    /// A condition inside of a flow list.
    fn flow(&mut self, indent: usize) -> String {
        let (blanks, key) = (" ".repeat(indent), self.key());
        if self.left == 0 {
            return format!("{blanks}{key}: [a, {{{{ v.name }}}}]\n");
        }
        self.left -= 1;
        let asked = self.asked();
        let (open, close) = (self.statement(&format!("if {asked}")), self.statement("endif"));
        let end = self.one_of(&["]", "]", "]", " # ]\n]"]);
        format!("{blanks}{key}: [a{open}, b{close}{end}\n")
    }

    /// A condition in the middle of a line.
    fn in_line(&mut self, indent: usize) -> String {
        let (blanks, key) = (" ".repeat(indent), self.key());
        if self.left == 0 {
            return format!("{blanks}{key}: x\n");
        }
        self.left -= 1;
        let asked = self.asked();
        let open = self.statement(&format!("if {asked}"));
        let (other, close) = (self.statement("else"), self.statement("endif"));
        // A line end behind a statement goes with it.
        let end = if self.is_odd && self.below(3) == 0 { "" } else { "\n" };
        let value = self.one_of(&["x", "x y", "\"x\"", "[x]"]);
        format!("{blanks}{key}: {open}{value}{other}y{close}\n{end}")
    }

    fn block(&mut self, indent: usize) -> String {
        let (blanks, key) = (" ".repeat(indent), self.key());
        let how = self.one_of(&["|", ">-", "|+"]);
        let head = format!("{blanks}{key}: {how}\n{blanks}  text\n");
        head + &self.branches(indent, |maker| format!("{blanks}  {}: more\n", maker.key()))
    }
}

/// A template in which something of a statement was changed.
pub(crate) fn broken(seed: u64) -> String {
    let text = Template::of(seed).text;
    let mut maker =
        Maker { state: seed, left: 0, keys: 0, loops: 0, is_odd: false, is_plain: false };
    let signs =
        ["=", "==", "not", "x", "(", ")", "|", ".", "'", "in", "%}", "{{", "1", "else", ":"];
    let tags: Vec<usize> = text.match_indices("{%").map(|(at, _)| at).collect();
    let start = tags[maker.below(tags.len())];
    let end = start + text[start..].find("%}").unwrap();
    let words: Vec<&str> = text[start..end].split(' ').collect();
    let at = 1 + maker.below(words.len() - 1);
    let sign = maker.one_of(&signs);
    let changed = match maker.below(3) {
        0 => [&words[..at], &words[at + 1..]].concat(),
        1 => [&words[..at], &[sign], &words[at + 1..]].concat(),
        _ => [&words[..at], &[sign], &words[at..]].concat(),
    };
    format!("{}{}{}", &text[..start], changed.join(" "), &text[end..])
}
