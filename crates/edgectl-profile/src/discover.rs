//! From inputs to images.

use std::collections::BTreeSet;
use std::io::BufRead;

use edgectl_model::{Digest, Hasher, ImagesConfig};

use crate::collect::{Book, Scope};
use crate::corrections;
use crate::documents::{Document, Documents};
use crate::elsewhere::Elsewhere;
use crate::error::{Fault, ProfileError, wide};
use crate::findings;
use crate::layer::Layer;
use crate::macros::{Macros, has_macro};
use crate::mask::{join_surrogates, mask};
use crate::report::{Discovery, Problem, Severity};
use crate::rules::{self, KnownFields, Text};
use crate::sources::image_locks;
use crate::sources::pack::{PackFiles, is_values as is_values_of_pack, read_pack};
use crate::sources::profile::{Profile, is_export, read_export};
use crate::sources::{self, Desk, Verdict, flux, list};
use crate::tree::Node;
use crate::units::{Unit, Units};

/// One text with a name, all at once.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Its name, for people.
    pub file: &'a str,
    /// The text.
    pub text: &'a str,
}

/// A file that is about to be read.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// Its name, for people.
    pub name: &'a str,
    /// What it belongs to, if to anything.
    pub unit: Option<Unit>,
    /// What it must be.
    pub expect: Expect,
}

/// What a file must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Anything that is known: the user named this very file.
    Known,
    /// Anything at all: it merely lies in a directory.
    Anything,
    /// A list of images, or nothing of interest: its name doesn't say that it
    /// is YAML or JSON.
    ListOrNothing,
}

/// A document that waits until all macros are known.
struct Held {
    file: String,
    first_line: u64,
    /// Its macros are masked.
    text: String,
    unit: usize,
}

/// Reads inputs one after the other and finds the images in them.
pub struct Discoverer<'a> {
    pub(crate) config: &'a ImagesConfig,
    pub(crate) book: Book,
    pub(crate) units: Units,
    pub(crate) profiles: Vec<Profile>,
    held: Vec<Held>,
    pub(crate) elsewhere: Vec<Elsewhere>,
    pub(crate) sources: Vec<(String, crate::elsewhere::ChartName)>,
    pub(crate) charts: Vec<crate::chart::Chart>,
    /// Packs whose charts were asked for.
    pub(crate) asked: BTreeSet<usize>,
    pub(crate) hasher: Hasher,
}

/// What became of the documents of one file.
#[derive(Default)]
struct Tally {
    understood: usize,
    /// The first that wasn't.
    fault: Option<ProfileError>,
}

/// Every image of the texts, with the corrections of `images` applied. Several
/// inputs belong to one cluster. Nothing is rendered.
pub fn discover(inputs: &[Input<'_>], images: &ImagesConfig) -> Result<Discovery, ProfileError> {
    let mut discoverer = Discoverer::new(images);
    for input in inputs {
        let file = File { name: input.file, unit: None, expect: Expect::Known };
        discoverer.read(&file, input.text.as_bytes())?;
    }
    for elsewhere in discoverer.missing() {
        discoverer.not_read(&elsewhere, "only this text was given");
    }
    Ok(discoverer.finish())
}

impl<'a> Discoverer<'a> {
    /// Nothing read so far.
    pub fn new(config: &'a ImagesConfig) -> Self {
        Self {
            config,
            book: Book { known: KnownFields::new(&config.known_fields), ..Book::default() },
            units: Units::default(),
            profiles: Vec::new(),
            held: Vec::new(),
            elsewhere: Vec::new(),
            sources: Vec::new(),
            charts: Vec::new(),
            asked: BTreeSet::new(),
            hasher: Hasher::sha256(),
        }
    }

    /// Counts `text` among what discovery depends on.
    pub fn depend(&mut self, text: &str) {
        // With its length, so that no two sets of inputs look alike.
        self.hasher.update(format!("{}:", text.len()).as_bytes());
        self.hasher.update(text.as_bytes());
    }

    /// Opens a pack directory.
    pub fn pack(&mut self, files: &PackFiles<'_>) -> Unit {
        self.depend(files.pack_json);
        self.depend(files.values.map(|(_, text)| text).unwrap_or_default());
        let number = self.units.next();
        let (profile, fault) = read_pack(files, number);
        let unit = self.units.pack(&profile.packs[0]);
        if let Some(fault) = fault {
            let message = format!("`pack.json` can't be read: {fault}");
            self.report(files.directory, &profile.packs[0].object(), "values-syntax", message);
        }
        self.profiles.push(profile);
        unit
    }

    /// Reads one file to its end, document by document.
    pub fn read(&mut self, file: &File<'_>, reader: impl BufRead) -> Result<(), ProfileError> {
        let mut tally = Tally::default();
        for document in Documents::new(reader) {
            let document = document.map_err(|error| ProfileError::Read {
                file: file.name.to_owned(),
                message: error.to_string(),
            })?;
            self.depend(&document.text);
            self.document(file, document, &mut tally)?;
        }
        match tally.fault {
            Some(fault) if file.expect == Expect::Known && tally.understood == 0 => Err(fault),
            None if file.expect == Expect::Known && tally.understood == 0 => {
                Err(unknown(file.name, 1, 1, "it is empty"))
            }
            _ => Ok(()),
        }
    }

    fn document(
        &mut self,
        file: &File<'_>,
        document: Document,
        tally: &mut Tally,
    ) -> Result<(), ProfileError> {
        let first_line = document.first_line;
        self.look_at_encoding(file, &document);
        if let Some(lines) = list::lines(&document.text, file.expect == Expect::Known) {
            tally.understood += 1;
            self.list(file, first_line, &lines);
            return Ok(());
        }
        if file.expect == Expect::ListOrNothing {
            return Ok(());
        }
        let text = mask(&join_surrogates(&document.text)).into_owned();
        let read = match rules::read_leniently(&text) {
            Ok(read) => read,
            Err(fault) => {
                self.broken(file, (first_line, &text), fault, tally);
                return Ok(());
            }
        };
        let roots = &read.parsed.documents;
        if let [root] = roots.as_slice()
            && is_export(root)
        {
            let text = read.text.clone().into_owned();
            let profile = read_export(file.name, (first_line, text), root, self.units.next())?;
            for pack in &profile.packs {
                self.units.pack(pack);
            }
            self.profiles.push(profile);
            tally.understood += 1;
            return Ok(());
        }
        if let [root] = roots.as_slice()
            && self.read_whole(file, (first_line, &read.text), root)
        {
            tally.understood += 1;
            return Ok(());
        }
        let unit = self.units.of(file.unit);
        if file.unit.is_some() && has_macro(&document.text) {
            tally.understood += 1;
            let text = read.text.into_owned();
            self.held.push(Held { file: file.name.to_owned(), first_line, text, unit });
            return Ok(());
        }
        let known = self.search(file.name, unit, (first_line, &read), None);
        if known == 0 {
            let (line, column) = roots.first().map_or((1, 1), |root| (root.line(), root.column()));
            let expected = "expected a cluster profile export, Kubernetes objects, a chart, a kustomization or a list of images";
            tally.fault.get_or_insert_with(|| {
                unknown(file.name, first_line + line.saturating_sub(1), column, expected)
            });
        }
        tally.understood += known;
        Ok(())
    }

    /// What isn't UTF-8 was replaced; around it, everything counts.
    fn look_at_encoding(&mut self, file: &File<'_>, document: &Document) {
        let Some(at) = document.text.find(char::REPLACEMENT_CHARACTER) else { return };
        if file.expect == Expect::ListOrNothing {
            return;
        }
        let before = &document.text[..at];
        let line = document.first_line + wide(before.matches('\n').count());
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        self.book.problems.push(Problem {
            severity: Severity::Warning,
            file: file.name.to_owned(),
            line,
            column: wide(column),
            path: String::new(),
            object: file.name.to_owned(),
            rule: "not-utf-8",
            message: "something here isn't UTF-8; it was left out".to_owned(),
        });
    }

    /// Reads documents that are known by more than their shape. Says whether
    /// that was one.
    fn read_whole(
        &mut self,
        file: &File<'_>,
        (first_line, text): (u64, &str),
        root: &Node,
    ) -> bool {
        if image_locks::is_own(root) && file.expect != Expect::Known {
            // Written by us for what is read here: it proves nothing.
            return true;
        }
        let name = file.name.rsplit(['/', ':']).next().unwrap_or_default();
        let is_values = name.contains("values") && !sources::is_known(root);
        if file.unit.is_some() || !(is_values || is_values_of_pack(root)) {
            return false;
        }
        if !is_values_of_pack(root) {
            self.values(file, root, (first_line, text));
            return true;
        }
        let directory = file.name.strip_suffix(name).unwrap_or_default();
        let directory = directory.trim_end_matches(['/', ':']);
        let directory = if directory.is_empty() { file.name } else { directory };
        self.pack(&PackFiles { directory, pack_json: "{}", values: Some((file.name, text)) });
        true
    }

    /// Values of a chart that isn't here.
    fn values(&mut self, file: &File<'_>, root: &Node, (first_line, text): (u64, &str)) {
        let macros = Macros::new(0, &[], &self.config.macros);
        let scope = Scope {
            file: file.name,
            layer: &Layer::document(text, first_line),
            base: String::new(),
            object: describe(root, file.name),
            pack: self.units.of(file.unit),
            macros: &macros,
        };
        sources::values_in(&mut self.book, &scope, root);
    }

    /// Searches the documents of a text whose macros are masked. Says how many
    /// were understood.
    fn search(
        &mut self,
        file: &str,
        unit: usize,
        (first_line, read): (u64, &Text<'_>),
        own: Option<usize>,
    ) -> usize {
        let macros = match own {
            Some(own) => Macros::new(own, &self.profiles, &self.config.macros),
            None => Macros::none(),
        };
        let layer = Layer::document(&read.text, first_line);
        let mut scope = Scope {
            file,
            layer: &layer,
            base: String::new(),
            object: self.units.object(unit),
            pack: unit,
            macros: &macros,
        };
        let mut known = 0;
        let mut has_objects = false;
        for root in &read.parsed.documents {
            let object = std::mem::replace(&mut scope.object, describe(root, file));
            let mut desk =
                Desk { book: &mut self.book, scope: &scope, elsewhere: &mut self.elsewhere };
            let verdict = sources::dispatch(&mut desk, root);
            known += usize::from(verdict != Verdict::Unknown);
            has_objects |= verdict == Verdict::Object;
            self.sources.extend(flux::repository(root));
            scope.object = object;
        }
        let is_use = has_objects && rules::search_read(&mut self.book, &scope, read);
        self.units.get_mut(unit).shows_use |= is_use;
        known
    }

    fn list(&mut self, file: &File<'_>, first_line: u64, lines: &[list::Line<'_>]) {
        let (layer, macros) = (Layer::file(""), Macros::none());
        let scope = Scope {
            file: file.name,
            layer: &layer,
            base: String::new(),
            object: "image list".to_owned(),
            pack: self.units.of(file.unit),
            macros: &macros,
        };
        let mut desk = Desk { book: &mut self.book, scope: &scope, elsewhere: &mut self.elsewhere };
        list::read_lines(&mut desk, first_line, lines);
    }

    /// A document that isn't YAML. In a directory it may well be no business
    /// of ours.
    fn broken(
        &mut self,
        file: &File<'_>,
        (first_line, text): (u64, &str),
        fault: Fault,
        tally: &mut Tally,
    ) {
        let concerns = || text.contains("image") || text.contains("kind:");
        if file.expect != Expect::Known && file.unit.is_none() && !concerns() {
            return;
        }
        tally.fault.get_or_insert_with(|| ProfileError::Syntax {
            file: file.name.to_owned(),
            line: first_line + fault.line.saturating_sub(1),
            column: fault.column,
            message: fault.message,
        });
        let before = self.book.sightings.len();
        let (layer, macros) = (Layer::document(text, first_line), Macros::none());
        let unit = self.units.of(file.unit);
        let scope = Scope {
            file: file.name,
            layer: &layer,
            base: String::new(),
            object: self.units.object(unit),
            pack: unit,
            macros: &macros,
        };
        rules::search_document(&mut self.book, &scope);
        tally.understood += usize::from(self.book.sightings.len() > before);
    }

    /// Adds a problem that whoever reads the files has found.
    pub fn problem(&mut self, severity: Severity, file: &str, rule: &'static str, message: String) {
        let file = file.to_owned();
        let (path, object) = (String::new(), file.clone());
        let problem = Problem { severity, file, line: 0, column: 0, path, object, rule, message };
        self.book.problems.push(problem);
    }

    /// Adds an error that isn't in any text.
    pub(crate) fn report(&mut self, file: &str, object: &str, rule: &'static str, message: String) {
        self.book.problems.push(Problem {
            severity: Severity::Error,
            file: file.to_owned(),
            line: 0,
            column: 0,
            path: String::new(),
            object: object.to_owned(),
            rule,
            message,
        });
    }

    /// Searches what had to wait for macros.
    fn search_held(&mut self) {
        for Held { file, first_line, text, unit } in std::mem::take(&mut self.held) {
            // It was parsed once already.
            let Ok(read) = rules::read_leniently(&text) else { continue };
            let is_own = |profile: &Profile| profile.packs.iter().any(|pack| pack.unit == unit);
            let own = self.profiles.iter().position(is_own).unwrap_or_default();
            self.search(&file, unit, (first_line, &read), Some(own));
        }
    }

    /// Everything that was found.
    pub fn finish(mut self) -> Discovery {
        self.search_held();
        self.search_profiles();
        self.search_charts();
        let excluded = corrections::exclude(&mut self.book, self.config);
        let late = findings::problems(&self.book, &self.units);
        self.book.problems.extend(late);
        corrections::include(&mut self.book, self.config);
        let mut problems = std::mem::take(&mut self.book.problems);
        problems.sort_by(|a, b| place(a).cmp(&place(b)));
        problems.dedup();
        let images = std::mem::take(&mut self.book).into_images().into_values().collect();
        let corrections = corrections::text(self.config);
        self.depend(&corrections);
        Discovery { images, excluded, problems, inputs: self.digest() }
    }

    fn digest(self) -> Digest {
        self.hasher.finish()
    }
}

impl std::fmt::Debug for Discoverer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Discoverer").finish_non_exhaustive()
    }
}

fn place(problem: &Problem) -> (&str, u64, u64, &str, &str, &str) {
    let Problem { file, line, column, path, rule, message, .. } = problem;
    (file, *line, *column, rule, path, message)
}

fn unknown(file: &str, line: u64, column: u64, expected: &str) -> ProfileError {
    ProfileError::Shape { file: file.to_owned(), line, column, expected: expected.to_owned() }
}

/// A document for people: `Deployment shop/web`, or its file.
fn describe(root: &Node, file: &str) -> String {
    let kind = sources::kind(root);
    let part = |key: &str| root.at(&["metadata", key]).and_then(Node::text);
    match (kind, part("namespace"), part("name")) {
        ("", _, _) => file.rsplit('/').next().unwrap_or(file).to_owned(),
        (kind, Some(namespace), Some(name)) => format!("{kind} {namespace}/{name}"),
        (kind, None, Some(name)) => format!("{kind} {name}"),
        (kind, _, None) => kind.to_owned(),
    }
}
