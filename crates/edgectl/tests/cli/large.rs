//! Manifests that are larger than what may be held of them.

use std::io::{BufWriter, Write};
use std::path::Path;

use edgectl_process::Cmd;

use crate::site::Site;

/// Size of the manifests.
const SIZE: usize = 50 << 20;
/// All memory that the program may ask for, its own code and stacks included:
/// too little for the manifests and a tree of them.
const LIMIT_KIB: usize = 160 << 10;

/// Many objects of 100 KiB each; gives the number of the images in them.
fn write_manifests(path: &Path) -> usize {
    let mut file = BufWriter::new(std::fs::File::create(path).unwrap());
    let line = "    a line of a text that says nothing of images: not one\n";
    let text = line.repeat((100 << 10) / line.len());
    let mut written = 0;
    let mut count = 0;
    while written < SIZE {
        let objects = format!(
            "---\nkind: ConfigMap\nmetadata: {{name: c{count}}}\ndata:\n  text: |\n{text}---\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{image: 'quay.io/acme/web:{count}'}}]}}\n"
        );
        file.write_all(objects.as_bytes()).unwrap();
        written += objects.len();
        count += 1;
    }
    count
}

#[test]
fn takes_no_more_memory_than_the_largest_document_needs() {
    let site = Site::new();
    let path = site.path("large.yaml");
    let count = write_manifests(&path);
    let limited = format!("ulimit -v {LIMIT_KIB} && exec \"$0\" images \"$1\" -o list");
    let cmd = Cmd::new("sh").args(["-c", &limited, env!("CARGO_BIN_EXE_edgectl")]).arg(&path);
    let stdout = cmd.read_stdout().unwrap();
    assert_eq!(stdout.iter().filter(|c| **c == b'\n').count(), count);
}
