//! What an injection puts where: paths and values, told by the text that they
//! go into.

use granit_parser::ScalarStyle;

use edgectl_model::Prefix;

use crate::certificate;
use crate::scalar;

/// One step of a path.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Seg {
    /// Into a mapping.
    Key(String),
    /// To the item of a list whose `key` names what is meant.
    Item { key: &'static str, is: Named },
}

/// What names an item of a list.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// This text.
    Text(String),
    /// This registry, however it is spelled.
    Registry(Prefix),
}

impl Named {
    pub(crate) fn is(&self, text: &str) -> bool {
        match self {
            Self::Text(own) => own == text,
            Self::Registry(prefix) => Prefix::parse(text).as_ref() == Ok(prefix),
        }
    }

    /// As it is written where it isn't there yet.
    pub(crate) fn written(&self) -> String {
        match self {
            Self::Text(text) => scalar::path(text),
            Self::Registry(prefix) => scalar::name(&prefix.to_string()),
        }
    }
}

/// A path of keys alone.
pub(crate) fn keys(path: &[&str]) -> Vec<Seg> {
    path.iter().map(|key| Seg::Key((*key).to_owned())).collect()
}

/// A path as people write it.
pub(crate) fn shown(path: &[Seg]) -> String {
    let mut text = String::new();
    for seg in path {
        match seg {
            Seg::Key(key) if text.is_empty() => text.push_str(key),
            Seg::Key(key) => text.push_str(&format!(".{key}")),
            Seg::Item { is: Named::Text(name), .. } => text.push_str(&format!("[{name}]")),
            Seg::Item { is: Named::Registry(name), .. } => text.push_str(&format!("[{name}]")),
        }
    }
    if text.is_empty() { crate::error::DOCUMENT.to_owned() } else { text }
}

/// A value and its place.
pub(crate) struct Target {
    pub(crate) path: Vec<Seg>,
    pub(crate) leaf: Leaf,
}

/// What to put. No `Debug`: it can be a password.
pub(crate) enum Leaf {
    /// A scalar, written as it shall stand; kept as it is where it means the
    /// same.
    Scalar { written: String, means: Means },
    /// A text of several lines.
    Text(String),
    /// One more item of a list of certificates.
    Certificate(String),
    /// One more item of a list of commands.
    Command(String),
}

impl Leaf {
    /// A text in quotes.
    pub(crate) fn quoted(text: &str) -> Self {
        Self::Scalar { written: scalar::quoted(text), means: Means::Text(text.to_owned()) }
    }

    /// A password in quotes.
    pub(crate) fn password(text: &str) -> Self {
        Self::Scalar { written: scalar::quoted(text), means: Means::Password(text.to_owned()) }
    }

    /// `true` or `false`.
    pub(crate) fn flag(flag: bool) -> Self {
        Self::Scalar { written: flag.to_string(), means: Means::Flag(flag) }
    }

    /// A registry or a part of one, without quotes where that is safe.
    pub(crate) fn name(prefix: &Prefix) -> Self {
        let written = scalar::name(&prefix.to_string());
        Self::Scalar { written, means: Means::Registry(prefix.clone()) }
    }

    /// A registry or a part of one, in quotes.
    pub(crate) fn quoted_name(prefix: &Prefix) -> Self {
        let written = scalar::quoted(&prefix.to_string());
        Self::Scalar { written, means: Means::Registry(prefix.clone()) }
    }

    /// Whether what stands in its place is nobody's secret.
    pub(crate) fn is_open(&self) -> bool {
        let Self::Scalar { means, .. } = self else { return false };
        !matches!(means, Means::Text(_) | Means::Password(_))
    }

    /// Whether this is one more item of a list.
    pub(crate) fn is_item(&self) -> bool {
        matches!(self, Self::Certificate(_) | Self::Command(_))
    }

    /// Whether an item of a list is this one.
    pub(crate) fn is_same_item(&self, item: &str) -> bool {
        match self {
            Self::Certificate(pem) => certificate::pem(item).as_ref() == Some(pem),
            Self::Command(command) => command == item,
            _ => false,
        }
    }
}

/// What a scalar has to mean.
pub(crate) enum Means {
    Text(String),
    Password(String),
    Flag(bool),
    Registry(Prefix),
    /// A mode as a text of octal digits, as cloud-init takes it.
    ModeText(u32),
    /// A mode as an octal number, as Kairos takes it.
    ModeNumber(u32),
}

impl Means {
    /// Whether the scalar that stands there says it.
    pub(crate) fn is(&self, now: &str, style: ScalarStyle) -> bool {
        let octal = |mode: &u32| u32::from_str_radix(now, 8).as_ref() == Ok(mode);
        let is_quoted = matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted);
        match self {
            Self::Text(text) => now == text && is_text(now, style),
            // A block scalar's last line end is too easy to lose.
            Self::Password(text) => now == text && is_quoted,
            Self::Flag(flag) => style == ScalarStyle::Plain && scalar::boolean(now) == Some(*flag),
            Self::Registry(prefix) => {
                is_text(now, style) && Prefix::parse(now).as_ref() == Ok(prefix)
            }
            Self::ModeText(mode) => is_quoted && octal(mode),
            Self::ModeNumber(mode) => {
                style == ScalarStyle::Plain && now.starts_with('0') && octal(mode)
            }
        }
    }
}

fn is_text(now: &str, style: ScalarStyle) -> bool {
    match style {
        ScalarStyle::Plain => scalar::is_surely_text(now),
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => true,
        _ => false,
    }
}

/// Whether a file's text is the one that is meant. A last line without its end
/// is let through: at the end of a user data file there may be none.
pub(crate) fn is_same_text(now: &str, text: &str) -> bool {
    now.trim_end_matches('\n') == text.trim_end_matches('\n')
}
