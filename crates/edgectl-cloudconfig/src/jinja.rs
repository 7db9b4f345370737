//! What Jinja reads in a text: expressions, statements, comments, raw blocks.

use std::sync::LazyLock;

use regex_lite::Regex;

mod grammar;
mod known;
mod lexer;
mod line_ends;

pub(crate) use grammar::Bad;
pub(crate) use line_ends::{By, Swallowed, loses_line_end, swallowed};

/// What begins a condition or a loop, which nothing may be added to.
const OPENINGS: [&str; 8] = ["if", "for", "with", "filter", "macro", "call", "block", "autoescape"];

/// A statement that isn't the only thing in its line leaves the line's end.
pub(crate) fn inline(whole: &str) -> String {
    let (start, end) = whole.split_at(whole.len().saturating_sub(2));
    match start.ends_with(['-', '+']) {
        true => whole.to_owned(),
        false => format!("{start}+{end}"),
    }
}

/// Whether the inside of a statement begins a raw block.
pub(crate) fn is_raw(inside: &str) -> bool {
    begins_raw(inside.split("%}").next().unwrap_or_default())
}

/// The same of a statement without its ends: nothing but `-` may stand behind the
/// word.
fn begins_raw(statement: &str) -> bool {
    let statement = statement.strip_prefix(['-', '+']).unwrap_or(statement);
    statement.strip_suffix('-').unwrap_or(statement).trim() == "raw"
}

/// Whether a statement begins a condition or a loop, and doesn't end it, too.
pub(crate) fn is_opening(whole: &str) -> bool {
    let whole = whole.trim();
    OPENINGS.contains(&word(whole))
        && section_length(whole).is_none()
        && length(whole).is_none_or(|length| length == whole.len())
}

/// How long several statements and comments in a line of their own are that close
/// all they open: they leave nothing, as a single one does.
pub(crate) fn line_length(text: &str) -> Option<usize> {
    let (mut at, mut depth, mut count) = (0, 0_usize, 0);
    while text[at..].starts_with("{%") || text[at..].starts_with("{#") {
        let rest = &text[at..];
        let length = section_length(rest).or_else(|| length(rest))?;
        let whole = &rest[..length];
        if raw_inside(whole).is_some() {
            return None;
        }
        depth += usize::from(is_opening(whole));
        depth = depth.checked_sub(usize::from(is_closing(whole)))?;
        count += 1;
        at += length;
        let behind = text[at..].trim_start_matches([' ', '\t']);
        if behind.is_empty() || behind.starts_with(['\n', '\r']) {
            return Some(at).filter(|_| depth == 0 && count > 1);
        }
        at = text.len() - behind.len();
    }
    None
}

/// Whether a statement begins a macro, or what is set to an `endset`.
pub(crate) fn begins_section(whole: &str) -> bool {
    match word(whole) {
        "macro" => true,
        "set" => set_to(inside(whole)).is_none(),
        _ => false,
    }
}

/// The length of a macro, or of what is set to an `endset`, with its end, where a
/// text begins with one: it leaves nothing where it stands.
pub(crate) fn section_length(text: &str) -> Option<usize> {
    let name = Some(word(text)).filter(|_| text.starts_with("{%"))?;
    let is_it = |whole: &str| word(whole) == name && begins_section(whole);
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(start) = next_opening(&text[at..]).map(|next| at + next) {
        let whole = &text[start..start + length(&text[start..])?];
        at = start + whole.len();
        if whole.starts_with("{%") {
            let is_end = word(whole).strip_prefix("end") == Some(name);
            depth = (depth + usize::from(is_it(whole))).checked_sub(usize::from(is_end))?;
        }
        match depth {
            0 if start == 0 => return None,
            0 => return Some(at),
            _ => {}
        }
    }
    None
}

/// The names of macros and of what is set to an `endset`.
pub(crate) fn macros(template: &str) -> Vec<&str> {
    let (mut names, mut at) = (Vec::new(), 0);
    while let Some(start) = next_opening(&template[at..]).map(|next| at + next) {
        let Some(length) = length(&template[start..]) else { break };
        let whole = &template[start..start + length];
        at = start + length;
        let behind = inside(whole).trim_start_matches(word(whole)).trim();
        if begins_section(whole) {
            names.extend(called(behind));
        }
    }
    names
}

/// The name at the beginning of `name(…)`, or of `name` alone.
pub(crate) fn called(text: &str) -> Option<&str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let (name, behind) = text.split_at(text.find(|c| !is_word(c)).unwrap_or(text.len()));
    let behind = behind.trim();
    (!name.is_empty() && (behind.is_empty() || behind.starts_with('('))).then_some(name)
}

/// Whether a statement ends one.
pub(crate) fn is_closing(whole: &str) -> bool {
    word(whole).strip_prefix("end").is_some_and(|what| OPENINGS.contains(&what))
}

/// What a raw block has inside; none where a text begins with something else.
pub(crate) fn raw_inside(whole: &str) -> Option<std::ops::Range<usize>> {
    if !is_raw(whole.strip_prefix("{%")?) {
        return None;
    }
    let start = closing(whole, "%}")?;
    let end = whole.rfind("{%").filter(|end| *end >= start)?;
    let inside = &whole[start..end];
    let from = if whole[..start - 2].ends_with('-') { inside.trim_start() } else { inside };
    let to = if whole[end + 2..].starts_with('-') { from.trim_end() } else { from };
    let start = start + (inside.len() - from.len());
    Some(start..start + to.len())
}

/// The name of a statement.
pub(crate) fn word(whole: &str) -> &str {
    let inside = whole.trim_start().strip_prefix("{%").unwrap_or_default();
    let inside = inside.trim_start_matches(['-', '+']).trim_start();
    inside.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default()
}

/// What `set` gives a value to, and that; none for what stands to an `endset`.
pub(crate) fn set_to(behind: &str) -> Option<(&str, &str)> {
    let is_target = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.,()".contains(c);
    let (target, value) = behind.split_once('=')?;
    target.chars().all(is_target).then_some((target, value))
}

/// What an expression or a statement has inside.
pub(crate) fn inside(whole: &str) -> &str {
    let inside = whole.get(2..whole.len().saturating_sub(2)).unwrap_or_default();
    let inside = inside.strip_prefix(['-', '+']).unwrap_or(inside);
    inside.strip_suffix(['-', '+']).unwrap_or(inside).trim()
}

/// Where the next of them starts.
pub(crate) fn next_opening(text: &str) -> Option<usize> {
    let is_opening = |at: &usize| matches!(text.as_bytes().get(at + 1), Some(b'{' | b'%' | b'#'));
    text.match_indices('{').map(|(at, _)| at).find(is_opening)
}

/// The length of what opens at the start, with its end. Raw blocks are one.
pub(crate) fn length(text: &str) -> Option<usize> {
    let close = match text.get(..2)? {
        "{{" => "}}",
        "{%" => "%}",
        _ => "#}",
    };
    let end = closing(text, close)?;
    if close == "%}" && begins_raw(&text[2..end - 2]) {
        let (at, _) = text.match_indices("{%").skip(1).find(|(at, _)| {
            let inside = text[at + 2..].split("%}").next().unwrap_or_default();
            inside.trim_matches(['-', '+']).trim() == "endraw"
        })?;
        return Some(at + closing(&text[at..], "%}")?);
    }
    Some(end)
}

/// A text with something else in place of each expression.
pub(crate) fn with_expressions_as(text: &str, mut with: impl FnMut(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        let Some(length) = length(&rest[at..]) else { break };
        out.push_str(&rest[..at]);
        out.push_str(&with(&rest[at..at + length]));
        rest = &rest[at + length..];
    }
    out + rest
}

/// What Jinja can't read of a template, with its places there.
pub(crate) fn faults(template: &str) -> Vec<Bad> {
    let (mut found, mut at, mut conditions) = (Vec::new(), 0, 0_usize);
    while let Some(start) = next_opening(&template[at..]).map(|next| at + next) {
        let Some(length) = length(&template[start..]) else { break };
        let whole = &template[start..start + length];
        at = start + length;
        conditions += usize::from(word(whole) == "if");
        let (from, bad) = faults_of(whole);
        found.extend(bad.into_iter().map(|bad| Bad {
            at: start + from + bad.at,
            is_late: bad.is_late && (conditions > 0 || whole.contains(" if ")),
            ..bad
        }));
        conditions -= usize::from(word(whole) == "endif" && conditions > 0);
    }
    found
}

/// What stands behind a `#`, which to Jinja begins no comment.
pub(crate) enum Commented {
    /// A statement, which is run.
    Run(usize),
    /// One, or a comment of Jinja's, that takes the line end behind it along: the next
    /// line comes to stand in the comment.
    Joined(usize),
}

/// The first of these.
pub(crate) fn commented_out(template: &str) -> Option<Commented> {
    let (mut at, mut line) = (0, 0);
    while let Some(start) = next_opening(&template[at..]).map(|next| at + next) {
        let whole = &template[start..start + length(&template[start..])?];
        line = template[at..start].rfind('\n').map_or(line, |end| at + end + 1);
        let before = &template[line..start];
        let is_statement = whole.starts_with("{%") && raw_inside(whole).is_none();
        if is_statement && template[line.max(at)..start].trim_start().starts_with('#') {
            return Some(Commented::Run(start));
        }
        at = start + whole.len();
        let begins = before.trim_start().starts_with('#') || before.contains(" #");
        if begins && joins(whole, &template[at..]) {
            return Some(Commented::Joined(start));
        }
        line = whole.rfind('\n').map_or(line, |end| start + end + 1);
    }
    None
}

/// Whether something takes the line end behind it along, and a line stands below it.
fn joins(whole: &str, behind: &str) -> bool {
    let takes = match whole.ends_with("}}") {
        true => whole.ends_with("-}}"),
        false => !whole.ends_with("+%}") && !whole.ends_with("+#}"),
    };
    let below = behind.strip_prefix("\r\n").or(behind.strip_prefix('\n'));
    takes && below.is_some_and(|below| !below.is_empty() && !below.starts_with(['\r', '\n', '#']))
}

/// What is wrong with one of them, and where its inside starts.
fn faults_of(whole: &str) -> (usize, Vec<Bad>) {
    let is_expression = whole.starts_with("{{");
    let open = &whole[2..whole.len() - 2];
    let bare = open.strip_prefix(['-', '+']).unwrap_or(open);
    let from = 2 + (open.len() - bare.len());
    let signs: &[char] = if is_expression { &['-'] } else { &['-', '+'] };
    let inside = bare.strip_suffix(signs).unwrap_or(bare);
    let bad = match () {
        () if is_expression => grammar::expression(inside),
        () if whole.starts_with("{#") || raw_inside(whole).is_some() => Vec::new(),
        () => grammar::statement(inside),
    };
    let is_read = bad.is_empty() && !whole.starts_with("{#") && raw_inside(whole).is_none();
    let bad = if is_read { minus(inside).into_iter().collect() } else { bad };
    (from, bad)
}

static MINUS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let text = r#""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"#;
    let path = r"\b(?:ds|v1)(?:\.[A-Za-z0-9_]+)*\.(?P<left>[A-Za-z_][A-Za-z0-9_]*)";
    Regex::new(&format!("{text}|{path}-(?P<right>[A-Za-z_][A-Za-z0-9_]*)")).ok()
});

/// `ds.meta-data`, which cloud-init's Jinja takes for a subtraction and refuses.
fn minus(inside: &str) -> Option<Bad> {
    let mut found = MINUS.as_ref()?.captures_iter(inside);
    found.find_map(|found| {
        let (left, right) = (found.name("left")?, found.name("right")?.as_str());
        let message = format!(
            "`{0}-{right}` is `{0}` minus `{right}` to Jinja; write `{0}_{right}`",
            left.as_str()
        );
        let is_name = !matches!(right, "ds" | "v1" | "loop");
        is_name.then(|| Bad { at: left.start(), message, is_late: true })
    })
}

/// Where `close` ends, strings left aside: that stands in no brackets, unless these
/// are never closed.
fn closing(text: &str, close: &str) -> Option<usize> {
    let (mut quote, mut is_escaped) = (None, false);
    let (mut open, mut first) = (Vec::new(), None);
    for (at, c) in text.char_indices().skip(2) {
        if first.is_some_and(|first| at > first + FAR) {
            return first;
        }
        let is_close = quote.is_none() && text[at..].starts_with(close);
        if is_close && (open.is_empty() || close == "#}") {
            return Some(at + close.len());
        }
        if is_close {
            first.get_or_insert(at + close.len());
            // No expression has a `}` behind a `%`.
            if close == "%}" {
                return first;
            }
        }
        match quote {
            Some(_) if is_escaped => is_escaped = false,
            Some(_) if c == '\\' => is_escaped = true,
            Some(mark) if c == mark => quote = None,
            None if close == "#}" => {}
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if matches!(c, '(' | '[' | '{') => open.push(c),
            None if matches!(c, ')' | ']' | '}') => {
                let is_its = open.pop().is_some_and(|open| is_pair(open, c));
                if !is_its && first.is_some() {
                    return first;
                }
            }
            _ => {}
        }
    }
    first
}

/// How far behind its first one an expression may have its end.
const FAR: usize = 1024;

fn is_pair(open: char, close: char) -> bool {
    matches!((open, close), ('(', ')') | ('[', ']') | ('{', '}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_end_outside_of_brackets() {
        for whole in [
            "{{ {'a': {}} }}",
            "{{ {'a': {'b': 1}}['a'] }}",
            "{% set a = {'b': '%}'} %}",
            "{{ (a }}",
            "{{ a) }}",
            "{{ a[b }}",
            "{% { %}",
            "{# { ' #}",
            "{% macro m(a) %}",
        ] {
            for rest in ["", " {{ b }}", "\n) ] }} #}"] {
                assert_eq!(length(&format!("{whole}{rest}")), Some(whole.len()), "{whole}{rest}");
            }
        }
    }

    #[test]
    fn what_no_jinja_reads_is_told_with_its_place() {
        for (bad, at, said) in [
            ("{{ v1. }}", 6, "behind `.`"),
            ("{{ }}", 2, "expression"),
            ("{% if %}", 5, "expression"),
            ("{% elif  -%}", 7, "expression"),
            ("{{ x | nosuch }}", 7, "no filter `nosuch`"),
            ("{% filter nosuch %}", 10, "no filter `nosuch`"),
            ("{% if a is nosuch %}", 11, "no test `nosuch`"),
            ("{{ see docs }}", 7, "a name can't stand here"),
            ("{{ (a }}", 5, "`)`"),
            ("{{ a and }}", 8, "expression"),
            ("{% set a = v1. %}", 14, "behind `.`"),
            ("{% else if b %}", 8, "write `elif`"),
            ("{% if a = 1 %}", 8, "write `==`"),
            ("{% if a && b %}", 8, "write `and`"),
            ("{% if a || b %}", 9, "write `or`"),
            ("{% if !a %}", 6, "write `not`"),
            ("{%- endif a %}", 10, "behind `endif`"),
            ("{% for u of us %}", 9, "write `in`"),
            ("{% for loop in us %}", 7, "another name"),
            ("{% set = 1 %}", 7, "name that is set"),
            ("{% set a.b.c = 1 %}", 10, "ends here"),
            ("{{ .Values.a }}", 3, "Helm"),
            ("{{ $a }}", 3, "no `$`"),
            ("{{ a ? 1 : 2 }}", 5, "if b else c"),
            ("{{ {{ a }} }}", 4, "no `{{`"),
            ("{{ a == }}", 7, "expression"),
            ("{{ a is b is c }}", 10, "one `is`"),
            ("{{ 1a }}", 4, "a name can't"),
            ("{{ “a” }}", 3, "doesn't know"),
            ("{{ f(a=1, b) }}", 10, "without a name"),
            ("{% call a %}", 9, "called"),
            ("{% with a %}", 9, "`=`"),
            ("{{ ds.meta-data.x | d('') }}", 6, "write `meta_data`"),
        ] {
            let found = faults(bad);
            let is_it = |bad: &Bad| bad.at == at && bad.message.contains(said);
            assert!(matches!(&found[..], [one] if is_it(one)), "{bad} {found:?}");
        }
    }

    #[test]
    fn what_jinja_reads_is_not_told() {
        for good in [
            "{{ v1.a - b }}{{ v1.a_b-1 }}{{ 'ds.a-b' }}{{ a-b }}",
            "{{ v1.a }}{# see docs #}{% raw %}{{ see docs }}{% endraw %}",
            "{{ 'see docs' }}{{ \"a\" \"b\" }}{{ a['see docs'] }}",
            "{{ a | default('x | y') | upper | d(1) }}",
            "{% if a is divisibleby 3 and not b %}{% if a is not defined %}",
            "{{ a if b else c }}{{ x.y(1, z=2) }}{{ [1, 2] | join(',') }}{{ a not in b }}",
            "{% set a, b = 1, 2 %}{% for a in b recursive %}{{ 1_000 }}{{ a ~ b }}",
            "{% set a %}see docs{% endset %}{% do a.append(b) %}",
            "{% for (a, b) in c.items() if a != 1 %}{% else %}{% endfor %}",
            "{{ -a ** 2 // 3 % 4 }}{{ a[1:] }}{{ a[:2, ::3] }}{{ {'a': {}} }}{{ () }}",
            "{% macro m(a, b=1) %}{% endmacro %}{% call(x) m(1, *a, **b) %}{% endcall %}",
            "{% with a = 1, b = c %}{% endwith %}{% set ns.x = 1 %}{% print a, b %}",
            "{% filter upper | trim %}{% endfilter %}{% set a | indent(2) %}b{% endset %}",
            "{{ a if b }}{{ 0x1f + 1.5e3 }}{{ a.0.b }}{% if a: %}{% else: %}{% endif %}",
            "{% block a %}{% endblock a %}{{ é }}{{ a is none or b is in [1] }}",
        ] {
            assert_eq!(faults(good), [], "{good}");
        }
    }

    #[test]
    fn names_behind_a_condition_matter_to_hosts_that_come_there() {
        let late = |text: &str| faults(text).iter().map(|bad| bad.is_late).collect::<Vec<_>>();
        assert_eq!(late("{% if a %}{{ b | nosuch }}{% endif %}{{ b | nosuch }}"), [true, false]);
        assert_eq!(late("{{ b | nosuch if a }}{% if a is nosuch %}"), [true, true]);
    }
}
