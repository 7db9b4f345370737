//! May the account that goes onto the nodes do more than pull?

use std::time::Duration;

use edgectl_cloudconfig::Injection;
use edgectl_registry::{Credentials, Patience, Registries, can_push};

use crate::access::Reach;
use crate::failure::Failure;
use crate::printer::Printer;
use crate::project::Project;
use crate::runtime::on_runtime;

/// A registry that isn't there is no reason to wait: user data is written
/// without it, too.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Nor is it asked again and again.
const WAIT: Duration = Duration::from_millis(20);

/// Warns where that account may push. A registry that can't be asked is let
/// be.
pub(crate) fn warn_of_push(project: &Project, injection: &Injection, printer: Printer) {
    if injection.username.is_empty() {
        return;
    }
    // A mistake in how the registry is reached shows when it is used.
    if matches!(may_push(project, injection), Ok(true)) {
        printer.say(&format!(
            "warning: `{}` may push to {}, and so may whoever reads the user data; give nodes an \
             account that only pulls (`registry.pullCredentials`)",
            injection.username,
            injection.registry.domain()
        ));
    }
}

fn may_push(project: &Project, injection: &Injection) -> Result<bool, Failure> {
    let registry = &project.config.registry;
    let login = Credentials::basic(&injection.username, injection.password.clone());
    let access = project.place.access(&Reach::private(registry), Some(login))?;
    let patience = Patience { first_wait: WAIT, longest_wait: WAIT, ..Patience::default() };
    let registries = Registries::single(registry.domain.domain(), access).with_patience(patience);
    on_runtime(async {
        let asked = tokio::time::timeout(TIMEOUT, can_push(&registries, &registry.domain)).await;
        Ok(asked.is_ok_and(|answer| answer.is_ok_and(|may| may)))
    })
}
