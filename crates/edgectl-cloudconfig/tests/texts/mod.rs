//! User data as people might write it, from a number.

/// A source of choices.
pub(crate) struct Source(u64);

impl Source {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % count
    }

    pub(crate) fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    fn is_one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

const TOPS: [&str; 9] = [
    "stylus",
    "stages",
    "write_files",
    "runcmd",
    "ca_certs",
    "edgectl",
    "hostname",
    "note",
    "users",
];
const KEYS: [&str; 17] = [
    "stylus",
    "site",
    "registryCredentials",
    "externalRegistries",
    "registries",
    "registryMappingRules",
    "caCerts",
    "initramfs",
    "trusted",
    "registry",
    "rules",
    "network",
    "note",
    "name",
    "files",
    "domain",
    "password",
];

/// A text, as one file or as a part of one.
pub(crate) fn wrapped(source: &mut Source) -> String {
    let mut text = format!("#cloud-config\n{}", top(source));
    if source.is_one_in(6) {
        text = text.trim_end_matches('\n').to_owned();
    }
    let head = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b1\n\n--b1\nContent-Type: text/cloud-config\n\n";
    text = match source.below(12) {
        0 => format!("{head}{text}\n--b1--\n"),
        1 => format!("{head}{text}"),
        2 => {
            let lines: String = text.lines().map(|line| format!("    {line}\n")).collect();
            format!(
                "#cloud-config-archive\n- type: text/cloud-config\n  content: |\n{lines}- |\n  #!/bin/sh\n"
            )
        }
        3 => format!("\u{feff}{text}"),
        4 => format!("## template: jinja\n{text}"),
        _ => text,
    };
    if source.is_one_in(6) { text.replace('\n', "\r\n") } else { text }
}

fn top(source: &mut Source) -> String {
    match source.below(14) {
        0 => source
            .one(&["", "\n\n", "# only this\n", "{}\n", "---\n", "{hostname: a}\n"])
            .to_owned(),
        1 => format!("{{{}}}\n", pairs(source, 2)),
        _ => mapping(source, 3, 0, &TOPS),
    }
}

fn mapping(source: &mut Source, depth: usize, indent: usize, keys: &[&str]) -> String {
    let mut out = String::new();
    for key in some(source, keys) {
        let key = match source.below(12) {
            0 => format!("\"{key}\""),
            1 => format!("{key} "),
            _ => key,
        };
        out.push_str(&entry(source, &format!("{:indent$}{key}:", ""), depth, indent));
        if source.is_one_in(5) {
            let margin = " ".repeat(indent);
            out.push_str(
                &source.one(&["\n", "# z\n", "   \n"]).replace("# z", &format!("{margin}# z")),
            );
        }
    }
    out
}

fn some(source: &mut Source, keys: &[&str]) -> Vec<String> {
    let count = 1 + source.below(4);
    let mut found: Vec<String> = Vec::new();
    for _ in 0..count {
        let key = source.one(keys).to_owned();
        if !found.contains(&key) {
            found.push(key);
        }
    }
    found
}

fn entry(source: &mut Source, head: &str, depth: usize, indent: usize) -> String {
    let note = source.one(&["", "", " # cc", " #", "   "]);
    match source.below(20) {
        0..=3 => format!("{head}{note}\n"),
        4..=6 => {
            let value = source
                .one(&["a", "\"q\"", "'s'", "1", "x y", "{}", "[]", "~", "null", "{ }", "[ ]"]);
            format!("{head} {value}{note}\n")
        }
        7 => format!("{head} {{\n{:indent$}  {}}}{note}\n", "", pairs(source, 1)),
        8 | 9 => format!("{head} {}{note}\n", flow(source, 2)),
        10 | 11 => {
            let mark = source.one(&["|", "|-", "|+", ">", ">-", "|2", ">+"]);
            let (line, end) = (" ".repeat(indent + 2), source.one(&["\n", "\n\n", "\n\n\n"]));
            format!("{head} {mark}{note}\n{line}l1\n{line}l2 # no{end}")
        }
        12..=14 => format!("{head}{note}\n{}", items(source, indent)),
        _ if depth == 0 => format!("{head} text{note}\n"),
        _ => {
            let step = source.one(&[1, 2, 4]);
            format!("{head}{note}\n{}", mapping(source, depth - 1, indent + step, &KEYS))
        }
    }
}

fn items(source: &mut Source, indent: usize) -> String {
    let margin = " ".repeat(indent + source.one(&[0, 2, 4]));
    let mut out = String::new();
    for _ in 0..=source.below(3) {
        out.push_str(&match source.below(6) {
            0 => format!("{margin}- a # x\n"),
            1 => format!("{margin}- {{path: /x}}\n"),
            2 => format!("{margin}- [ls, -l]\n"),
            3 => format!("{margin}- path: /x\n{margin}  content: y\n"),
            4 => format!("{margin}- name: n\n{margin}  files:\n{margin}  - path: /y\n{margin}    content: z\n"),
            _ => format!("{margin}- |\n{margin}  lit\n"),
        });
    }
    out
}

fn flow(source: &mut Source, depth: usize) -> String {
    match source.below(if depth == 0 { 4 } else { 10 }) {
        0..=3 => {
            source.one(&["a", "\"b c\"", "'it''s'", "1", "~", "\"x#y\"", "null", "{}"]).to_owned()
        }
        4..=7 => {
            let (open, close) = (source.one(&["", " "]), source.one(&["", " ", ","]));
            let inner = pairs(source, depth - 1);
            if inner.is_empty() { "{}".to_owned() } else { format!("{{{open}{inner}{close}}}") }
        }
        _ => {
            let items: Vec<String> =
                (0..source.below(3)).map(|_| flow(source, depth - 1)).collect();
            format!("[{}]", items.join(", "))
        }
    }
}

fn pairs(source: &mut Source, depth: usize) -> String {
    let keys = some(source, &KEYS);
    let pairs: Vec<String> =
        keys.iter().map(|key| format!("{key}: {}", flow(source, depth))).collect();
    pairs.join(", ")
}
