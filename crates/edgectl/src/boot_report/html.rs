//! One page that needs nothing else: styles, plot and pictures are in it.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use edgectl_qemu::{Finding, PhaseReport};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};

use super::timeline::timeline;
use super::{ImageRow, others};
use crate::exit;
use crate::failure::Failure;

const PAGE: &str = include_str!("../../../../templates/boot-report.html");

/// The page of a run whose files are in `directory`.
pub(crate) fn html(
    rows: &[ImageRow],
    phases: &[PhaseReport],
    findings: &[Finding],
    directory: &Path,
) -> Result<String, Failure> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let images: Vec<_> = rows.iter().map(image).collect();
    let phase_values: Vec<_> = phases.iter().map(|one| phase(one, directory)).collect();
    let page = environment.render_named_str(
        "report.html",
        PAGE,
        context! {
            passed => findings.is_empty(),
            diagnosis => findings.iter().map(Finding::to_string).collect::<Vec<_>>(),
            others => others(findings).count(),
            pulled => rows.iter().filter(|row| row.seconds.is_some()).count(),
            images,
            phases => phase_values,
            timeline => timeline(phases).value(),
        },
    );
    page.map_err(|e| Failure::of(exit::BUG, &e).doing("writing the report"))
}

fn image(row: &ImageRow) -> Value {
    let seconds = row.seconds.map(|seconds| format!("{seconds:.1} s"));
    context! { name => &row.name, digest => &row.digest, seconds, fault => &row.fault }
}

fn phase(phase: &PhaseReport, directory: &Path) -> Value {
    // Consoles speak to terminals.
    let shown = |line: &String| line.chars().filter(|c| !c.is_control()).collect::<String>();
    let console: Vec<String> = phase.console_tail.iter().map(shown).collect();
    let pictures = pictures(&directory.join(&phase.name));
    let seconds = format!("{:.0}", phase.seconds);
    context! { name => &phase.name, seconds, console, pictures }
}

/// The pictures of the screen in a phase's directory, the oldest first.
fn pictures(directory: &Path) -> Vec<Value> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "png"))
        .filter_map(|path| Some((std::fs::metadata(&path).ok()?.modified().ok()?, path)))
        .collect();
    found.sort();
    let value = |path: &Path| {
        let data = STANDARD.encode(std::fs::read(path).ok()?);
        let name = path.file_stem()?.to_string_lossy().replace("screen-", "");
        let name = if name == "screen" { "the end".to_owned() } else { name };
        Some(context! { name, data })
    };
    found.iter().filter_map(|(_, path)| value(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_diagnosis_comes_first_and_nothing_is_taken_for_markup() {
        let (rows, phases, findings) = super::super::tests::run();
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("prove")).unwrap();
        std::fs::write(directory.path().join("prove/screen.png"), b"\x89PNG").unwrap();
        let page = html(&rows, &phases, &findings, directory.path()).unwrap();
        let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} in {page}"));
        assert!(place("FAILED") < place("the registry refuses the credentials"));
        assert!(place("the registry refuses the credentials") < place("<svg"));
        assert!(
            place("<svg") < place("quay.io&#x2f;a&#x2f;web:1") || page.contains("quay.io/a/web:1")
        );
        assert!(page.contains("data:image/png;base64,iVBORw=="), "{page}");
        assert!(!page.contains("<no>") && !page.contains("<b>") && !page.contains("<x>"));
        assert!(!page.contains('\u{1b}'));
        // Nothing is fetched from anywhere.
        assert!(
            !page.contains("http://") && !page.contains("https://") && !page.contains("src=\"/")
        );
    }

    #[test]
    fn a_run_without_faults() {
        let (rows, phases, _) = super::super::tests::run();
        let page = html(&rows[..1], &phases, &[], Path::new("/nowhere")).unwrap();
        assert!(page.contains("PASSED") && page.contains("1 image pulled"), "{page}");
        assert!(!page.contains("<img"));
    }
}
