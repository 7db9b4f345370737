//! Correct plurals and lists in messages.

/// `1 image`, `3 images`: a number with its noun.
pub fn count(number: usize, noun: &str) -> String {
    match (number, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (n, Some(stem)) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{n} {stem}ies"),
        (n, _) => format!("{n} {noun}s"),
    }
}

/// `` `a`, `b` and `c` ``: items in backticks, joined as a sentence does.
pub fn list_and<T: AsRef<str>>(items: &[T]) -> String {
    let ticked: Vec<String> = items.iter().map(|i| format!("`{}`", i.as_ref())).collect();
    match ticked.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_plural_where_they_should_be() {
        assert_eq!(count(1, "image"), "1 image");
        assert_eq!(count(0, "image"), "0 images");
        assert_eq!(count(2, "registry"), "2 registries");
        assert_eq!(count(2, "key"), "2 keys");
    }

    #[test]
    fn lists_read_like_sentences() {
        assert_eq!(list_and::<&str>(&[]), "");
        assert_eq!(list_and(&["a"]), "`a`");
        assert_eq!(list_and(&["a", "b", "c"]), "`a`, `b` and `c`");
    }
}
