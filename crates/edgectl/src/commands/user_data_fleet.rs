//! `edgectl user-data inject --sites`: all sites are rendered and checked
//! before the first one is written.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::OsString;
use std::fs::DirEntry;
use std::io::ErrorKind;
use std::path::Path;

use edgectl_cloudconfig::{
    Against, Finding, InjectError, Injection, Level, SiteTemplate, TemplateError, carries, check,
    inject,
};
use edgectl_model::{ImageLock, count};
use edgectl_process::{Staging, interrupted};

use crate::exit;
use crate::failure::Failure;
use crate::files::Form;
use crate::printer::Printer;
use crate::sites::{SITES_WRITTEN, SiteFacts, read_sites};

/// More faults than this nobody reads.
const SHOWN: usize = 20;

/// What to render.
pub(crate) struct Fleet<'a> {
    pub(crate) template: &'a Path,
    pub(crate) text: &'a str,
    /// How the template was written, and all sites are.
    pub(crate) form: Form,
    pub(crate) sites: &'a Path,
    pub(crate) out: &'a Path,
}

#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    Inject(#[from] InjectError),
}

pub(crate) fn run(
    fleet: &Fleet<'_>,
    injection: &Injection,
    lock: &ImageLock,
    printer: Printer,
) -> Result<u8, Failure> {
    let name = fleet.template.display();
    let template =
        SiteTemplate::new(fleet.text, |text| Ok::<_, Unusable>(inject(&text, injection)?))
            .map_err(|e| {
                Failure::of(exit::FAILED, &e).doing(format!("reading the template `{name}`"))
            })?;
    let sites = read_sites(fleet.sites)?;
    check_out(fleet, &sites)?;
    let against = Against::from(lock);
    let mut faults = Vec::new();
    let mut warnings = Warnings::default();
    let staging = Staging::new(fleet.out)?;
    for site in &sites {
        interrupted()?;
        match render(&template, site, injection, &against, &mut warnings) {
            // Nothing is written once a site is wrong.
            Ok(_) if !faults.is_empty() => {}
            Ok(text) => write(staging.path(), site, &fleet.form.written(&text)?)?,
            Err(more) => faults.extend(more),
        }
    }
    if !faults.is_empty() {
        return Err(refused(&faults));
    }
    let written: String = sites.iter().map(|site| file_name(site) + "\n").collect();
    let list = staging.path().join(SITES_WRITTEN);
    edgectl_process::write_private(&list, written.as_bytes())
        .map_err(|error| Failure::of(exit::FAILED, &error))?;
    staging.finish()?;
    warnings.say(sites.len(), printer);
    let sites = count(sites.len(), "site");
    printer.say(&format!("wrote the user data of {sites} to {}", fleet.out.display()));
    Ok(exit::DONE)
}

/// The user data of one site, or what is wrong with it.
fn render(
    template: &SiteTemplate,
    site: &SiteFacts,
    injection: &Injection,
    against: &Against,
    warnings: &mut Warnings,
) -> Result<String, Vec<String>> {
    let (name, place) = (&site.name, &site.place);
    let fault = |text: String| format!("site `{name}` ({place}): {text}");
    let text = template
        .render(&site.values)
        .map_err(|error| vec![fault(format!("the template's {error}"))])?;
    let findings = check(&text, Some(against));
    warnings.add(name, &findings, template);
    let errors = findings.iter().filter(|finding| finding.level == Level::Error);
    let mut faults: Vec<String> = errors.map(|finding| fault(shown(finding, template))).collect();
    // A condition around the section would take the registry with it.
    // Of what can't be read nothing arrives, for another reason.
    let is_read = findings.iter().all(|finding| finding.rule != "yaml-syntax");
    if is_read && !carries(&text, injection) {
        let lost = "the registry has not arrived: a condition or loop of the template stands around it, or a \
                    `{%-` or `-%}` beside it takes its line ends away; take the section out of there, and the `-` away";
        faults.push(fault(lost.to_owned()));
    }
    if faults.is_empty() { Ok(text) } else { Err(faults) }
}

/// With the line of the template: nobody has the text that it was found in.
fn shown(finding: &Finding, template: &SiteTemplate) -> String {
    let path = if finding.path.is_empty() { String::new() } else { format!("{}: ", finding.path) };
    let place = match template.line_of(&finding.path) {
        Some(line) => format!("the template's line {line}"),
        None => format!("line {} of what is made of the template", finding.place.line),
    };
    format!("{place}: {path}{} [{}]", finding.message, finding.rule)
}

/// What is odd in the sites, once for each rule: they come from one template.
#[derive(Default)]
struct Warnings(BTreeMap<&'static str, Warning>);

struct Warning {
    sites: usize,
    /// The name of the first site that has it.
    first: String,
    shown: String,
}

impl Warnings {
    fn add(&mut self, site: &str, findings: &[Finding], template: &SiteTemplate) {
        let mut of_site = BTreeSet::new();
        for finding in findings.iter().filter(|finding| finding.level == Level::Warning) {
            if of_site.insert(finding.rule) {
                let warning = self.0.entry(finding.rule).or_insert_with(|| Warning {
                    sites: 0,
                    first: site.to_owned(),
                    shown: shown(finding, template),
                });
                warning.sites += 1;
            }
        }
    }

    fn say(&self, of: usize, printer: Printer) {
        for Warning { sites, first, shown } in self.0.values() {
            let line =
                format!("warning: {sites} of {}, first `{first}`: {shown}", count(of, "site"));
            printer.always(&line);
        }
    }
}

/// The directory is replaced as a whole, so it may hold nothing but what the
/// sites had before, and nothing that they are made of.
fn check_out(fleet: &Fleet<'_>, sites: &[SiteFacts]) -> Result<(), Failure> {
    let out = fleet.out;
    let Some(entries) = entries_of(out)? else { return Ok(()) };
    let mut names: HashSet<OsString> = sites.iter().map(|site| file_name(site).into()).collect();
    // Sites that are no longer there.
    let written = std::fs::read_to_string(out.join(SITES_WRITTEN)).unwrap_or_default();
    names.extend(written.lines().map(OsString::from));
    names.insert(SITES_WRITTEN.into());
    let same = |one: &Path, other: &Path| {
        one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
    };
    let refused = |what: &str| {
        let message = format!("`{}` holds {what}", out.display());
        Err(Failure::new(exit::FAILED, message)
            .hint("name a directory of its own with `--out`; it is replaced as a whole"))
    };
    if same(out, fleet.sites) {
        return refused("the sites");
    }
    for entry in entries {
        let path = entry.path();
        if !names.contains(&entry.file_name()) || path.is_dir() {
            let name = entry.file_name();
            return refused(&format!("`{}`, which is no site's user data", name.to_string_lossy()));
        }
        if same(&path, fleet.template) || same(&path, fleet.sites) {
            return refused("what the user data is made of");
        }
    }
    Ok(())
}

/// What is in the directory, or nothing where there is none yet. What is
/// something else is not ours to replace.
fn entries_of(out: &Path) -> Result<Option<Vec<DirEntry>>, Failure> {
    let refused = |what: &str| {
        let message =
            format!("`{}` is {what}, and the sites' user data needs a directory", out.display());
        Err(Failure::new(exit::USAGE, message).hint("name a new directory with `--out`"))
    };
    if out == Path::new("-") {
        return refused("the standard output");
    }
    match std::fs::symlink_metadata(out) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Ok(found) if found.is_symlink() => return refused("a symbolic link"),
        Ok(found) if !found.is_dir() => return refused("a file"),
        _ => {}
    }
    let read = std::fs::read_dir(out).and_then(Iterator::collect::<Result<_, _>>);
    read.map(Some).map_err(|error| {
        Failure::of(exit::FAILED, &error)
            .doing(format!("reading the directory `{}`", out.display()))
    })
}

fn file_name(site: &SiteFacts) -> String {
    format!("{}.yaml", site.name)
}

/// The file holds a password: nobody else may read it.
fn write(directory: &Path, site: &SiteFacts, bytes: &[u8]) -> Result<(), Failure> {
    let path = directory.join(file_name(site));
    edgectl_process::write_private(&path, bytes).map_err(|error| {
        Failure::of(exit::FAILED, &error).doing(format!("writing the user data of `{}`", site.name))
    })
}

fn refused(faults: &[String]) -> Failure {
    let mut text = faults.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("\n");
    if let Some(more) = faults.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        text.push_str(&format!("\nand {more} more"));
    }
    let failure = Failure::new(exit::FOUND_WRONG, &text)
        .doing("rendering the user data of the sites (none was written)");
    match hint(&text) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// What to write in place of what the engine doesn't know, or the site doesn't have.
fn hint(faults: &str) -> Option<&'static str> {
    const HINTS: [(&[&str], &str); 4] = [
        (
            &["filter tojson is unknown"],
            "write `{{ v }}` without a filter: lists and mappings are written as they are",
        ),
        (&["no method named items"], "write `| items` for `.items()`"),
        (&["no method named split"], "write `| split(\",\")` for `.split(\",\")`"),
        (
            &["has no value", "is undefined", "undefined value"],
            "where sites may have none (an empty cell, too), write `{% if v is defined %}` or `{{ v | default(\"x\") }}`",
        ),
    ];
    let is_said = |said: &&(&[&str], &str)| said.0.iter().any(|said| faults.contains(said));
    HINTS.iter().find(is_said).map(|(_, hint)| *hint)
}
