//! The sites of a fleet and their values: CSV, YAML, or a directory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use edgectl_cloudconfig::{SiteValue, read_site_values};

use crate::exit;
use crate::failure::Failure;
use crate::files::read_text;

/// Names the files that rendering the sites wrote into a directory: the next
/// run replaces these and nothing else.
pub(crate) const SITES_WRITTEN: &str = ".edgectl-sites";

/// The column and key that names a site.
const NAME: &str = "name";

/// The key that people write around sites.
const AROUND: &str = "sites";
const SHAPE: &str = "the file is a list of sites with a `name` each, or a mapping of their names, and has nothing around them";

/// One site.
#[derive(Debug)]
pub(crate) struct SiteFacts {
    /// Unique; the name of its file.
    pub(crate) name: String,
    /// Where it was read, for people.
    pub(crate) place: String,
    /// Its values, `name` among them.
    pub(crate) values: BTreeMap<String, SiteValue>,
}

/// Reads all sites.
pub(crate) fn read_sites(path: &Path) -> Result<Vec<SiteFacts>, Failure> {
    let sites = match path.is_dir() {
        true => from_directory(path)?,
        false => {
            let text = read_text(path, "the sites")?;
            match is_csv(path, &text) {
                true => from_csv(path, &text)?,
                false => from_yaml_file(path, &text)?,
            }
        }
    };
    check_names(&sites)?;
    match sites.is_empty() {
        true => Err(Failure::new(exit::FAILED, format!("`{}` names no site", path.display()))),
        false => Ok(sites),
    }
}

/// By the file's name; stdin has none, and tells by its columns.
fn is_csv(path: &Path, text: &str) -> bool {
    let first = text.trim_start_matches('\u{feff}').lines().next().unwrap_or_default();
    let has_name = || first.split(',').any(|column| column.trim().trim_matches('"') == NAME);
    let is_table = || !first.contains([':', '{', '[']) && has_name();
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
        || (path.as_os_str() == "-" && is_table())
}

fn from_csv(path: &Path, text: &str) -> Result<Vec<SiteFacts>, Failure> {
    let doing = || format!("reading the sites `{}`", path.display());
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(line) = open_quote(text) {
        let message = format!(
            "line {line}: a quote that begins here never ends, and the sites below would be lost in it"
        );
        return Err(Failure::new(exit::FAILED, message)
            .doing(doing())
            .hint("close it, or write it twice (`\"\"`) where it is a character of the value"));
    }
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(text.as_bytes());
    let header =
        reader.headers().map_err(|e| Failure::of(exit::FAILED, &e).doing(doing()))?.clone();
    if let Some(twice) = first_double(header.iter()) {
        return Err(
            Failure::new(exit::FAILED, format!("column `{twice}` stands twice")).doing(doing())
        );
    }
    check_columns(&header).map_err(|failure| failure.doing(doing()))?;
    let mut sites = Vec::new();
    let mut lines = Lines { text, at: 0, line: 1 };
    for record in reader.records() {
        let record = record.map_err(|e| Failure::of(exit::FAILED, &e).doing(doing()))?;
        let line = lines.of(record.position().map_or(0, csv::Position::byte));
        let cells = header.iter().zip(&record);
        // An empty cell is no value: a template that needs one says so.
        let filled = cells.filter(|(_, cell)| !cell.is_empty());
        let values = filled.map(|(key, cell)| (key.to_owned(), SiteValue::Text(cell.to_owned())));
        sites.push(site(format!("{}:{line}", path.display()), None, values.collect())?);
    }
    Ok(sites)
}

/// The line of a quote at the start of a cell that never ends: the reader takes
/// all the rest for that cell.
fn open_quote(text: &str) -> Option<usize> {
    let mut begun = None;
    let mut line = 1;
    let mut is_start = true;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, begun) {
            ('"', None) if is_start => begun = Some(line),
            ('"', Some(_)) if chars.peek() == Some(&'"') => _ = chars.next(),
            ('"', Some(_)) => begun = None,
            _ => {}
        }
        line += usize::from(c == '\n');
        is_start = begun.is_none() && matches!(c, ',' | '\n' | '\r');
    }
    begun
}

/// One column names the sites. Tables with other separators have one column
/// alone.
fn check_columns(header: &csv::StringRecord) -> Result<(), Failure> {
    if header.iter().any(|column| column == NAME) {
        return Ok(());
    }
    let columns: Vec<String> = header.iter().map(|column| format!("`{column}`")).collect();
    let message = format!("no column is called `{NAME}`; found {}", columns.join(", "));
    let is_named = |column: &str| column.eq_ignore_ascii_case(NAME);
    let hint = match header.iter().find(|column| column.contains([';', '\t'])) {
        Some(_) => "separate the columns with commas".to_owned(),
        None => match header.iter().find(|column| is_named(column)) {
            Some(column) => format!("write `{NAME}` for `{column}`"),
            None => format!("add a column `{NAME}`: it names each site's file"),
        },
    };
    Err(Failure::new(exit::FAILED, message).hint(hint))
}

/// Counts the lines of a text. The reader takes `\r\n` for two ends of which
/// the second belongs to the next record.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl Lines<'_> {
    /// The line of the record at a place, which is behind all places before.
    fn of(&mut self, byte: u64) -> usize {
        let bytes = self.text.as_bytes();
        let start = usize::try_from(byte).unwrap_or(bytes.len()).clamp(self.at, bytes.len());
        let blank = bytes[start..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let passed = &bytes[self.at..start + blank];
        self.line += passed.iter().filter(|byte| **byte == b'\n').count();
        self.at = start + blank;
        self.line
    }
}

/// A list of mappings that have a `name`, or a mapping of names to mappings.
fn from_yaml_file(path: &Path, text: &str) -> Result<Vec<SiteFacts>, Failure> {
    let place = |what: &str| format!("{} {what}", path.display());
    match parsed(path, text)? {
        SiteValue::List(items) => {
            let numbered = items.into_iter().enumerate();
            numbered.map(|(n, item)| site(place(&format!("[{n}]")), None, facts(item))).collect()
        }
        SiteValue::Mapping(entries) if is_around_sites(&entries) => Err(Failure::new(
            exit::FAILED,
            format!("{}: a site may not be called so", place(AROUND)),
        )
        .hint(SHAPE)),
        SiteValue::Mapping(entries) => entries
            .into_iter()
            .map(|(name, value)| match value {
                SiteValue::Mapping(_) | SiteValue::Null => {
                    site(place(&name), Some(name), facts(value))
                }
                _ => Err(Failure::new(
                    exit::FAILED,
                    format!("{}: expected a mapping of the site's values", place(&name)),
                )
                .hint(SHAPE)),
            })
            .collect(),
        _ => Err(Failure::new(
            exit::FAILED,
            format!("`{}` is neither a list nor a mapping of sites", path.display()),
        )),
    }
}

/// Whether a mapping has its sites below a key, and is none of their names.
fn is_around_sites(entries: &BTreeMap<String, SiteValue>) -> bool {
    let is_all = |values: &BTreeMap<String, SiteValue>| {
        values.values().all(|value| matches!(value, SiteValue::Mapping(_) | SiteValue::Null))
    };
    matches!(entries.get(AROUND), Some(SiteValue::Mapping(values)) if is_all(values))
}

fn from_directory(path: &Path) -> Result<Vec<SiteFacts>, Failure> {
    let doing = || format!("reading the sites in `{}`", path.display());
    let failed = |e: std::io::Error| Failure::of(exit::FAILED, &e).doing(doing());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        let is_hidden = file.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
        if file.is_dir() && !is_hidden {
            let message = format!("`{}` is a directory, which isn't looked into", file.display());
            return Err(Failure::new(exit::FAILED, message)
                .doing(doing())
                .hint("put all sites' files side by side"));
        }
        let extension = file.extension().and_then(|extension| extension.to_str());
        if matches!(extension, Some("yaml" | "yml" | "json")) {
            files.push(file);
        }
    }
    files.sort();
    let read = |file: &std::path::PathBuf| {
        let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        match parse(file)? {
            values @ (SiteValue::Mapping(_) | SiteValue::Null) => {
                site(file.display().to_string(), stem, facts(values))
            }
            _ => Err(Failure::new(
                exit::FAILED,
                format!("`{}`: expected a mapping of the site's values", file.display()),
            )
            .hint("a file in the directory has the values of one site, which is named like it")),
        }
    };
    files.iter().map(read).collect()
}

fn parse(path: &Path) -> Result<SiteValue, Failure> {
    parsed(path, &read_text(path, "the sites")?)
}

fn parsed(path: &Path, text: &str) -> Result<SiteValue, Failure> {
    read_site_values(text)
        .map_err(|e| Failure::new(exit::FAILED, format!("`{}`: {e}", path.display())))
}

/// A site's own nulls are left out: a template that needs the value says so.
fn facts(value: SiteValue) -> BTreeMap<String, SiteValue> {
    match value {
        SiteValue::Mapping(mut values) => {
            values.retain(|_, value| *value != SiteValue::Null);
            values
        }
        _ => BTreeMap::new(),
    }
}

fn site(
    place: String,
    name: Option<String>,
    mut values: BTreeMap<String, SiteValue>,
) -> Result<SiteFacts, Failure> {
    let own = match values.get(NAME) {
        Some(SiteValue::Text(text) | SiteValue::Number(text)) => Some(text.clone()),
        _ => None,
    };
    let Some(name) = name.or(own) else {
        return Err(Failure::new(exit::FAILED, format!("{place}: the site has no `{NAME}`")));
    };
    values.entry(NAME.to_owned()).or_insert_with(|| SiteValue::Text(name.clone()));
    Ok(SiteFacts { name, place, values })
}

/// Names become file names.
fn check_names(sites: &[SiteFacts]) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    for site in sites {
        let name = site.name.as_str();
        let is_safe = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if name.is_empty() || !name.chars().all(is_safe) || name.starts_with(['.', '-']) {
            let message = format!(
                "{}: the name of a site has letters, digits, `.`, `_` and `-` only",
                site.place
            );
            return Err(Failure::new(exit::FAILED, message));
        }
        if !seen.insert(name) {
            let message = format!("{}: there is another site `{name}`", site.place);
            return Err(Failure::new(exit::FAILED, message));
        }
    }
    Ok(())
}

fn first_double<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = BTreeSet::new();
    names.find(|name| !seen.insert(*name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_table_are_counted_with_any_line_ends() {
        for (text, expected) in [
            ("name,a\nx,\"1\n2\"\n\ny,3\n", [2, 5]),
            ("name,a\r\nx,\"1\r\n2\"\r\n\r\ny,3\r\n", [2, 5]),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("sites.csv");
            std::fs::write(&path, text).unwrap();
            let places: Vec<String> =
                read_sites(&path).unwrap().into_iter().map(|site| site.place).collect();
            let expected = expected.map(|line| format!("{}:{line}", path.display()));
            assert_eq!(places, expected);
        }
    }
    #[test]
    fn what_is_no_mapping_of_a_sites_values_is_no_site() {
        let directory = tempfile::tempdir().unwrap();
        for text in ["- {name: x, v: 1}\n", "hello\n", "5\n", "[1]\n"] {
            std::fs::write(directory.path().join("a.yaml"), text).unwrap();
            let error = read_sites(directory.path()).unwrap_err().render();
            assert!(error.contains("expected a mapping"), "{error}");
        }
        std::fs::write(directory.path().join("a.yaml"), "v: 1\n").unwrap();
        std::fs::create_dir(directory.path().join("sub")).unwrap();
        let error = read_sites(directory.path()).unwrap_err().render();
        assert!(error.contains("isn't looked into"), "{error}");
        let path = directory.path().join("around.yaml");
        for (text, is_good) in
            [("sites: {a: {v: 1}, b: {v: 2}}\n", false), ("sites: {v: 1}\n", true)]
        {
            std::fs::write(&path, text).unwrap();
            assert_eq!(read_sites(&path).is_ok(), is_good, "{text}");
        }
    }

    #[test]
    fn a_table_from_stdin_is_told_by_its_columns() {
        for (path, text, expected) in [
            ("-", "name,a\nx,1\n", true),
            ("-", "a,\"name\"\n1,x\n", true),
            ("-", "- name: x\n", false),
            ("-", "{name: {a: 1}}\n", false),
            ("-", "a: {b: 1}\n", false),
            ("a.CSV", "", true),
            ("a.yaml", "name,a\n", false),
        ] {
            assert_eq!(is_csv(Path::new(path), text), expected, "{path} {text}");
        }
    }
}
