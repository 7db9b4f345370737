//! GRUB's menu language, as far as both sides of an installation write it.

/// A word of a GRUB command, with what the menu's language would take apart
/// escaped. `;` ends a command, so `ds=nocloud;s=…` would lose its end.
pub fn grub_word(word: &str) -> String {
    let mut escaped = String::with_capacity(word.len());
    for c in word.chars() {
        if " \t;&|<>{}$\"'\\#".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_the_menu_language() {
        assert_eq!(grub_word("ds=nocloud;s=file:///x/"), "ds=nocloud\\;s=file:///x/");
        assert_eq!(grub_word("a$b c"), "a\\$b\\ c");
        assert_eq!(grub_word("quiet"), "quiet");
    }
}
