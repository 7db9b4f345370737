//! No input takes more memory than it must, however it is made to. A single
//! test, because the allocator counts for all threads.

// The last line printed says which input asked for too much.
#![allow(clippy::print_stdout)]

use std::alloc::System;

use cap::Cap;
use edgectl_model::ImagesConfig;
use edgectl_profile::{Input, discover};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// What any input may take, besides its size: the table of known fields, and
/// the first nodes of a tree.
const FREE: usize = 10 << 20;
/// How many times its size an input may take.
const TIMES: usize = 10;

/// What an input that names images without end may take besides: a place and
/// what is said of it cost up to 2.5 KiB, and no more than 50,000 are held.
const PLACES: usize = 128 << 20;

/// Fails if searching `text` takes too much.
fn check(name: &str, text: &str, free: usize) {
    for wrap in [false, true] {
        let text = match wrap {
            false => text.to_owned(),
            true => {
                let manifest = serde_json::json!({"name": "m", "content": text});
                let pack = serde_json::json!({"name": "p", "manifests": [manifest]});
                serde_json::json!({"spec": {"template": {"packs": [pack]}}}).to_string()
            }
        };
        // Who asks for more is stopped, and the line is the last one printed.
        println!("{name}: {} bytes", text.len());
        let limit = free + TIMES * text.len();
        assert!(ALLOCATOR.set_limit(ALLOCATOR.allocated() + limit).is_ok());
        let _ = discover(&[Input { file: "f", text: &text }], &ImagesConfig::default());
        assert!(ALLOCATOR.set_limit(usize::MAX).is_ok());
    }
}

/// Inputs that are made to be expensive, with what they are called.
fn expensive() -> Vec<(&'static str, String)> {
    let mut bomb = "a0: &a0 {image: 'quay.io/acme/a:1'}\n".to_owned();
    for n in 1..40 {
        bomb.push_str(&format!("a{n}: &a{n} [*a{0}, *a{0}, *a{0}]\n", n - 1));
    }
    let mut merges = "a0: &a0 {image: 'quay.io/acme/a:1', other: {x: y}}\n".to_owned();
    for n in 1..40 {
        merges.push_str(&format!("a{n}: &a{n} {{x: {{<<: *a{0}}}, y: {{<<: *a{0}}}}}\n", n - 1));
    }
    let images: Vec<String> = (0..200).map(|n| format!("{{image: 'q.io/a:{n}'}}")).collect();
    let wide = format!("a: &a [{}]\nb: [{}]\n", images.join(", "), "*a, ".repeat(5000));
    let long = format!("a: &a 'q.io/{}:1'\nb: [{}]\n", "x".repeat(100_000), "*a, ".repeat(50_000));
    let path: String = (0..100).map(|_| format!("{{{}: ", "k".repeat(2000))).collect();
    let leaves: Vec<String> = (0..2000).map(|n| format!("i{n}: {{image: q.io/a:{n}}}")).collect();
    let path = format!("{path}{{{}}}{}", leaves.join(", "), "}".repeat(100));
    let mut nested = "image: q.io/a:1".to_owned();
    for _ in 0..12 {
        nested = serde_json::json!({ "image": nested, "x": "y" }).to_string();
    }
    let quoted = format!("a: \"x\n{}\"\n", "b\n".repeat(100_000));
    vec![
        ("alias bomb", bomb),
        ("merge bomb", merges),
        ("aliases of a list of images", wide),
        ("aliases of a long text", long),
        ("long paths", path),
        ("texts in texts", nested),
        ("quoted lines too far left", quoted),
        ("open lists", "[".repeat(1 << 19)),
        ("open mappings in a row", "{".repeat(1 << 19)),
        ("items in a row", "- ".repeat(1 << 18)),
        ("keys in a row", "? ".repeat(1 << 18)),
        ("open mappings with quotes", "{'a'".repeat(1 << 17)),
        ("open lists with words", "[a ".repeat(1 << 17)),
        ("tags", "!a ".repeat(1 << 17)),
        ("anchors", "&a ".repeat(1 << 17)),
        ("open mappings", "{a: ".repeat(1 << 17)),
        ("short items", format!("[{}]", "0,".repeat(1 << 19))),
        ("short keys", format!("{{{}}}", "a,".repeat(1 << 18))),
        ("block items", "- a\n".repeat(1 << 18)),
        ("empty documents", "---\n".repeat(1 << 18)),
        ("small documents", "---\na: b\n".repeat(1 << 17)),
        ("one long line", format!("image: {}", "a:b ".repeat(1 << 18))),
        ("templates", "{{".repeat(1 << 18)),
        ("template lines", "{{ if }}\na: b\n".repeat(1 << 15)),
        ("flags", format!("kind: Pod\nargs: [{}]\n", "--image=x,".repeat(1 << 16))),
        ("duplicate keys", "a: b\n".repeat(1 << 17)),
        (
            "base64",
            format!(
                "kind: Secret\nmetadata: {{name: s}}\ndata: {{a: {}}}\n",
                "aW1h".repeat(1 << 17)
            ),
        ),
        ("deep blocks", (0..300).map(|n| format!("{}a:\n", " ".repeat(n))).collect()),
    ]
}

#[test]
fn memory_stays_near_the_size_of_the_input() {
    check("the table of known fields is read once", "kind: Pod\nmetadata: {name: p}\n", FREE);
    for (name, text) in expensive() {
        check(name, &text, FREE);
    }
    let list: String = (0..200_000).map(|n| format!("q.io/a:{n}\n")).collect();
    check("a list of images", &list, PLACES);
    let pods: String = (0..150_000).map(|n| format!("- image: q.io/a:{n}\n")).collect();
    check("images in a row", &pods, PLACES);
}
