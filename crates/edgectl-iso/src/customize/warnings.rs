//! What the user should know of an image that was customised.

use edgectl_model::count;

use super::contents::Contents;
use super::menus::Menu;

impl Contents {
    /// What the user should know.
    pub(super) fn warnings(&self) -> Vec<String> {
        let places = &self.places;
        let doubts = places.doubt.iter().chain(&places.misfit);
        let mut warnings: Vec<String> = doubts.map(|&doubt| doubt.to_owned()).collect();
        if let (Some(argument), true) = (places.argument, self.menus.is_empty()) {
            warnings.push(format!(
                "no boot menu on the image can be changed, so nothing tells the kernel `{argument}`"
            ));
        }
        for path in &self.others {
            warnings.push(format!(
                "the image's own `/{path}` stays as it is, with the passwords that it may hold: `--flavor` of the system that reads it puts the new user data there"
            ));
        }
        if self.is_checking {
            warnings.push(
                "the loader for UEFI brings a boot menu of its own, which can't be changed: its entries with `rd.live.check` stop, since the digest of the whole medium is erased; start others"
                    .to_owned(),
            );
        }
        for (path, why) in &self.left {
            let argument =
                places.argument.map(|it| format!(", `{it}` included")).unwrap_or_default();
            warnings.push(format!(
                "the boot menu `/{path}` {why}, so it stays as it is: no kernel arguments reach its entries{argument}; start from another menu, or type them there"
            ));
        }
        for menu in &self.menus {
            warnings.extend(menu.check_warnings());
            warnings.extend(menu.shut_warning());
            warnings.extend(places.argument.and_then(|wanted| menu.strangers_warning(wanted)));
        }
        warnings
    }
}

impl Menu {
    fn check_warnings(&self) -> Vec<String> {
        let path = &self.path;
        let was = format!(
            "the digest of the whole medium is erased, since every change would make it wrong, so `rd.live.check` was taken out of the boot menu `/{path}`: its entries start without a check of the medium"
        );
        let is = format!(
            "the digest of the whole medium is erased, since every change would make it wrong: entries of the boot menu `/{path}` with `mediacheck` find nothing to compare the medium with; start others (`edgectl iso verify` checks the image)"
        );
        let told = [(self.was_checking, was), (self.is_checking, is)];
        told.into_iter().filter_map(|(is_so, text)| is_so.then_some(text)).collect()
    }

    fn shut_warning(&self) -> Option<String> {
        let (path, entries) = (&self.path, count(self.shut, "entry"));
        let text = format!(
            "the boot menu `/{path}` has {entries} without a place for arguments (`append -`, none, or a command that isn't known), which no kernel arguments reach: start another one"
        );
        (self.shut > 0).then_some(text)
    }

    fn strangers_warning(&self, wanted: &str) -> Option<String> {
        let (path, entries) = (&self.path, count(self.strangers, "entry"));
        let text = format!(
            "the boot menu `/{path}` names another place for user data in {entries} (`ds=nocloud`, not `{wanted}`): what is started there doesn't read the user data on this image"
        );
        (self.strangers > 0).then_some(text)
    }
}
