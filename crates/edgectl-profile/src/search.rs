//! Searching the packs, once all macros are known.

use crate::collect::Scope;
use crate::discover::Discoverer;
use crate::macros::Macros;
use crate::report::{Problem, Severity};
use crate::rules;
use crate::sources::pack_values;
use crate::sources::profile::{Pack, Profile, Values};

impl Discoverer<'_> {
    /// Searches all packs.
    pub(crate) fn search_profiles(&mut self) {
        let profiles = std::mem::take(&mut self.profiles);
        for (index, profile) in profiles.iter().enumerate() {
            let macros = Macros::new(index, &profiles, &self.config.macros);
            for pack in &profile.packs {
                self.search_pack(profile, pack, &macros);
            }
        }
        self.profiles = profiles;
    }

    fn search_pack(&mut self, profile: &Profile, pack: &Pack, macros: &Macros<'_>) {
        let layer = profile.layer();
        let whole = Scope {
            file: &profile.file,
            layer: &layer,
            base: pack.path.clone(),
            object: pack.object(),
            pack: pack.unit,
            macros,
        };
        let mut has_pods = false;
        for (path, content) in &pack.manifests {
            if let Some(content) = layer.embedded(content) {
                let scope = whole.inside(&layer, path.clone());
                has_pods |= rules::search_text(&mut self.book, &scope, &content);
            }
        }
        if let Some(values) = &pack.values {
            let inner = values.layer(&layer);
            let mut scope = whole.inside(&inner, pack.values_base(values));
            scope.file = values.file().unwrap_or(&profile.file);
            match &values.tree {
                Ok(tree) => {
                    let seen = pack_values::read(&mut self.book, &scope, &pack.layer, tree);
                    has_pods |= seen.has_pods;
                    self.units.get_mut(pack.unit).has_charts |= seen.has_charts;
                }
                Err(_) => {
                    self.book.problems.extend(unreadable(&scope, pack, values));
                    // Its lines are searched; what is wrong is told already.
                    let told = self.book.problems.len();
                    rules::search_document(&mut self.book, &scope);
                    self.book.problems.truncate(told);
                }
            }
        }
        self.units.get_mut(pack.unit).shows_use |= has_pods;
    }
}

fn unreadable(scope: &Scope<'_>, pack: &Pack, values: &Values) -> Option<Problem> {
    let fault = values.tree.as_ref().err()?;
    Some(Problem {
        severity: Severity::Error,
        file: scope.file.to_owned(),
        line: fault.line,
        column: fault.column,
        path: scope.base.trim_end_matches(':').to_owned(),
        object: pack.object(),
        rule: "values-syntax",
        message: format!("the values aren't YAML: {}", fault.message),
    })
}
