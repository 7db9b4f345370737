//! Numbers that are written as they are spelled: `1.10` is no `1.1` to people.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Kwargs, Object, ObjectRepr};
use minijinja::{Error, State, Value};

/// A number that the engine would spell in another way, or can't hold.
#[derive(Debug)]
pub(super) struct Spelled(String);

impl Object for Spelled {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.0.bytes().any(|c| matches!(c, b'1'..=b'9'))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Spelled {
    /// A number of the engine's, where that is spelled so.
    pub(super) fn value(text: &str) -> Value {
        let integer = text.parse::<i128>().ok().map(Value::from);
        let float = || text.parse::<f64>().ok().map(Value::from);
        let number = integer.or_else(float).filter(|number| number.to_string() == text);
        number.unwrap_or_else(|| Value::from_object(Self(text.to_owned())))
    }

    /// The spelling of such a number.
    pub(super) fn of(value: &Value) -> Option<&str> {
        value.downcast_object_ref::<Self>().map(|spelled| spelled.0.as_str())
    }
}

/// The engine's own filter, for numbers too that are spelled in another way.
pub(super) fn int(
    state: &State<'_, '_>,
    value: &Value,
    default: Option<Value>,
    base: Option<u32>,
    kwargs: Kwargs,
) -> Result<Value, Error> {
    minijinja::filters::int(state, &bare(value), default, base, kwargs)
}

/// The engine's own filter, for numbers too that are spelled in another way.
pub(super) fn float(
    state: &State<'_, '_>,
    value: &Value,
    default: Option<Value>,
    kwargs: Kwargs,
) -> Result<Value, Error> {
    minijinja::filters::float(state, &bare(value), default, kwargs)
}

fn bare(value: &Value) -> Value {
    Spelled::of(value).map_or_else(|| value.clone(), Value::from)
}
