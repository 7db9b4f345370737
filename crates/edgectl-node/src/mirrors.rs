//! Mirror rules as containerd understands them: one target per source host.

use std::collections::BTreeMap;

use edgectl_model::{HostRule, Prefix};

use crate::error::NodeError;

/// The target prefix of each source host, under which the whole path of an
/// image is kept.
pub(crate) fn by_host(rules: &[HostRule]) -> Result<BTreeMap<&str, Prefix>, NodeError> {
    let mut found: BTreeMap<&str, (Prefix, &HostRule)> = BTreeMap::new();
    for rule in rules {
        let target = host_target(rule)?;
        match found.get(rule.source.domain()) {
            Some((other, first)) if *other != target => {
                return Err(NodeError::TwoTargets {
                    first: Box::new((*first).clone()),
                    second: Box::new(rule.clone()),
                });
            }
            Some(_) => {}
            None => {
                found.insert(rule.source.domain(), (target, rule));
            }
        }
    }
    Ok(found.into_iter().map(|(host, (target, _))| (host, target)).collect())
}

/// The target for the whole host: what remains of the rule's target without
/// the source's path at its end.
fn host_target(rule: &HostRule) -> Result<Prefix, NodeError> {
    let refuse = || NodeError::PathChanges(Box::new(rule.clone()));
    let kept = match (rule.target.path(), rule.source.path()) {
        (target, "") => target,
        (target, source) => {
            let above = target.strip_suffix(source).ok_or_else(refuse)?;
            match above {
                "" => "",
                _ => above.strip_suffix('/').ok_or_else(refuse)?,
            }
        }
    };
    Prefix::parse(&format!("{}/{kept}", rule.target.domain())).map_err(|_| refuse())
}
