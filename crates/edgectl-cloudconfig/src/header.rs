//! The first lines, which decide what a user data file is.

const MARK: char = '\u{feff}';

/// Whether the text is cloud-config: `#cloud-config` on the first line, or on
/// the second after `## template: jinja`. A byte order mark is let through.
pub(crate) fn is_cloud_config(text: &str) -> bool {
    let text = text.strip_prefix(MARK).unwrap_or(text);
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let header = if is_jinja(first) { lines.next().unwrap_or_default() } else { first };
    header
        .strip_prefix("#cloud-config")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

/// Whether the text has one of the headers that Kairos takes beside
/// `#cloud-config`.
pub(crate) fn is_kairos_config(text: &str) -> bool {
    let header = text.lines().next().unwrap_or_default().trim_end();
    matches!(header, "#kairos-config" | "#node-config")
}

/// Whether the text is a template of cloud-init's.
pub(crate) fn is_jinja_template(text: &str) -> bool {
    is_jinja(text.strip_prefix(MARK).unwrap_or(text).lines().next().unwrap_or_default())
}

/// Where the header ends: behind the line end of its last line.
pub(crate) fn end(text: &str) -> usize {
    let count = if is_jinja_template(text) { 2 } else { 1 };
    text.split_inclusive('\n').take(count).map(str::len).sum()
}

/// cloud-init takes capitals, and no other blanks.
fn is_jinja(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    line.strip_prefix("## template: jinja").is_some_and(|rest| rest.trim().is_empty())
}

/// Whether a line was meant for a template's header.
pub(crate) fn is_nearly_jinja(line: &str) -> bool {
    let is_word = |c: &char| !c.is_whitespace();
    let bare: String = line.chars().filter(is_word).collect::<String>().to_ascii_lowercase();
    bare.starts_with("##template:") && !is_jinja(line)
}

/// The line end of the file, by its first line.
pub(crate) fn line_end(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        for good in [
            "#cloud-config",
            "#cloud-config\r\na: 1\r\n",
            "\u{feff}#cloud-config\n",
            "## template: jinja\n#cloud-config\n",
            "#cloud-config # ours\n",
            "## Template: Jinja \n#cloud-config\n",
        ] {
            assert!(is_cloud_config(good), "{good:?}");
        }
        for bad in [
            "",
            "\n#cloud-config\n",
            " #cloud-config\n",
            "#cloud-config-archive\n",
            "## template: jinja\n\n#cloud-config\n",
            "#!/bin/sh\n",
            "## template:jinja\n#cloud-config\n",
            "stylus: {}\n",
        ] {
            assert!(!is_cloud_config(bad), "{bad:?}");
        }
    }
}
