//! What a plain scalar is, as the readers of user data see it (YAML 1.2's core
//! schema, with the octal numbers of 1.1, which both readers still take).

use granit_parser::ScalarStyle;

use crate::tree::{Data, Node};

/// The JSON type of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    pub(crate) fn of(node: &Node) -> Self {
        match &node.data {
            Data::Mapping { .. } => Self::Object,
            Data::Sequence { .. } => Self::Array,
            // Aliases are resolved before.
            Data::Alias(_) => Self::Null,
            Data::Scalar { text, style } => match node.tag.as_deref() {
                Some("!!str" | "!!binary") => Self::String,
                _ if *style != ScalarStyle::Plain => Self::String,
                _ => Self::of_plain(text),
            },
        }
    }

    fn of_plain(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Self::Null,
            "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Self::Boolean,
            _ if is_integer(text) => Self::Integer,
            _ if is_float(text) => Self::Number,
            _ => Self::String,
        }
    }
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let all = |digits: &str, base: u32| {
        !digits.is_empty() && digits.chars().all(|c| c.is_digit(base) || c == '_')
    };
    match (digits.strip_prefix("0x"), digits.strip_prefix("0o"), digits.strip_prefix("0b")) {
        (Some(hex), _, _) => all(hex, 16),
        (_, Some(octal), _) => all(octal, 8),
        (_, _, Some(binary)) => all(binary, 2),
        _ => all(digits, 10) && digits.starts_with(|c: char| c.is_ascii_digit()),
    }
}

fn is_float(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_special = matches!(digits, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN");
    let is_numeric = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.contains(|c: char| c.is_ascii_digit())
        && digits.parse::<f64>().is_ok();
    is_special || is_numeric
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars() {
        for (text, kind) in [
            ("", Kind::Null),
            ("null", Kind::Null),
            ("true", Kind::Boolean),
            ("yes", Kind::String),
            ("0644", Kind::Integer),
            ("-12", Kind::Integer),
            ("0x1F", Kind::Integer),
            ("1.10", Kind::Number),
            ("1e3", Kind::Number),
            ("1.2.3", Kind::String),
            ("infinity", Kind::String),
            ("_1", Kind::String),
            (".", Kind::String),
        ] {
            assert_eq!(Kind::of_plain(text), kind, "{text:?}");
        }
    }
}
