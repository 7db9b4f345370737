//! Builds the images of the recipes into a layout directory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::contents::Contents;
use super::error::{QuickstartError, file_error};
use super::layout::{Compression, Layer, LayoutWriter, Start};
use super::pool::Pool;
use super::recipe::{FOREIGN_PACKAGES, IMAGES, ImageRecipe, PACKAGES};

/// Layers that were written, by name and architecture, with all paths that an
/// image has up to there.
type Written = BTreeMap<(&'static str, &'static str), (Layer, BTreeSet<String>)>;

/// Builds all images but the provider image.
pub(super) fn build(directory: &Path, say: &dyn Fn(&str)) -> Result<(), QuickstartError> {
    let mut layout = LayoutWriter::new(directory)?;
    let mut pools = BTreeMap::new();
    for (architecture, packages) in [("amd64", PACKAGES), ("arm64", FOREIGN_PACKAGES)] {
        say(&format!(
            "downloading the {architecture} packages of the images: {}",
            packages.join(", ")
        ));
        let tar = directory.join(format!("{architecture}.tar"));
        pools.insert(architecture, Pool::fetch(architecture, packages, &tar)?);
        // The open file is enough from here on.
        std::fs::remove_file(&tar).map_err(file_error("removing", &tar))?;
    }
    let mut written = Written::new();
    for recipe in IMAGES {
        edgectl_process::interrupted()?;
        say(&format!("building {}", recipe.reference));
        let images = recipe
            .architectures
            .iter()
            .filter_map(|architecture| Some((*architecture, pools.get(architecture)?)))
            .map(|(architecture, pool)| image(&layout, recipe, architecture, pool, &mut written))
            .collect::<Result<Vec<Value>, QuickstartError>>()?;
        layout.name(recipe.reference, images)?;
    }
    layout.finish()
}

fn image(
    layout: &LayoutWriter,
    recipe: &ImageRecipe,
    architecture: &'static str,
    pool: &Pool,
    written: &mut Written,
) -> Result<Value, QuickstartError> {
    let mut below = BTreeSet::new();
    let mut layers = Vec::new();
    for layer in recipe.layers {
        let key = (layer.name, architecture);
        let (layer, paths) = match written.get(&key) {
            Some(done) => done,
            None => {
                let contents = Contents::follow(layer, pool, &below)?;
                let compressed = layout.layer(Compression::Gzip, |out| contents.write_tar(out))?;
                let paths = contents.paths().cloned().collect();
                written.entry(key).or_insert((compressed, paths))
            }
        };
        below.extend(paths.iter().cloned());
        layers.push(layer.clone());
    }
    let start = Start { entrypoint: recipe.entrypoint, command: recipe.command };
    layout.image(architecture, &layers, start)
}
