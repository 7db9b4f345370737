//! JUnit's XML, as CI systems read it: a test case for each phase, each image
//! and the rest.

use std::fmt::Write as _;

use edgectl_model::NodeEvent;
use edgectl_qemu::{Finding, PhaseReport};

use super::{ImageRow, others};

/// The document.
pub(crate) fn junit(rows: &[ImageRow], phases: &[PhaseReport], findings: &[Finding]) -> String {
    let mut cases = String::new();
    for phase in phases {
        let fault = findings.iter().find(|finding| is_of(finding, phase)).map(Finding::to_string);
        case(&mut cases, "phases", &phase.name, phase.seconds, fault.as_deref());
    }
    for row in rows {
        // An image that nobody could try is no success either.
        let missing = "it was not pulled".to_owned();
        let fault = row.fault.clone().or_else(|| row.seconds.is_none().then_some(missing));
        case(&mut cases, "images", &row.name, row.seconds.unwrap_or(0.0), fault.as_deref());
    }
    let rest = others(findings).filter(|finding| !phases.iter().any(|phase| is_of(finding, phase)));
    let rest: Vec<String> = rest.map(Finding::to_string).collect();
    let rest = (!rest.is_empty()).then(|| rest.join("\n"));
    case(&mut cases, "run", "nothing else went wrong", 0.0, rest.as_deref());
    let seconds: f64 = phases.iter().map(|phase| phase.seconds).sum();
    let failures = cases.matches("<failure ").count();
    let tests = cases.matches("<testcase ").count();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"edgectl iso boot\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" time=\"{seconds:.1}\">\n{cases}</testsuite>\n</testsuites>\n"
    )
}

/// Whether a finding says why a phase came to nothing.
fn is_of(finding: &Finding, phase: &PhaseReport) -> bool {
    match finding {
        Finding::PhaseFailed { phase: name, .. } => *name == phase.name,
        Finding::AgentFailed { .. } => {
            phase.events.iter().any(|timed| matches!(timed.event, NodeEvent::Failed { .. }))
        }
        _ => false,
    }
}

fn case(to: &mut String, class: &str, name: &str, seconds: f64, fault: Option<&str>) {
    let name = escaped(name);
    let _ = write!(to, "<testcase classname=\"{class}\" name=\"{name}\" time=\"{seconds:.1}\"");
    let _ = match fault {
        None => writeln!(to, "/>"),
        Some(fault) => writeln!(to, "><failure message=\"{}\"/></testcase>", escaped(fault)),
    };
}

/// XML 1.0 has no control characters, not even escaped ones.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_failures() {
        let (rows, phases, findings) = super::super::tests::run();
        let text = junit(&rows, &phases, &findings);
        assert!(text.contains("tests=\"4\" failures=\"2\" errors=\"0\" time=\"40.0\""), "{text}");
        assert!(text.contains("name=\"quay.io/a/web:1\" time=\"2.0\"/>"), "{text}");
        assert!(text.contains("401 &quot;&lt;no&gt;&quot; &amp; so on\u{fffd}"), "{text}");
        assert!(text.contains("served `&lt;x&gt;` to somebody"), "{text}");
    }

    #[test]
    fn a_phase_that_fails_is_a_failure_and_no_other_is() {
        let (rows, phases, _) = super::super::tests::run();
        let reason = "the kernel panicked".to_owned();
        let findings = [Finding::PhaseFailed { phase: "prove".to_owned(), reason }];
        let text = junit(&rows[..1], &phases, &findings);
        assert!(text.contains("name=\"prove\" time=\"40.0\"><failure "), "{text}");
        assert!(text.contains("name=\"nothing else went wrong\" time=\"0.0\"/>"), "{text}");
    }
}
