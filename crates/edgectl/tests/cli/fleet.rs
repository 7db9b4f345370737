//! `user-data inject --sites`.

use std::os::unix::fs::PermissionsExt;

use crate::site::Site;

const TEMPLATE: &str = "#cloud-config\nstylus:\n  site:\n    name: {{ name }}\n    tags: {zip: {{ zip }}}\n{% if proxy %}\n    network: {httpsProxy: \"{{ proxy }}\"}\n{% endif %}\n";

fn site() -> Site {
    let site = Site::new();
    site.run(&["images"]).expect(0);
    site.write("user-data", &TEMPLATE.replace("{% if proxy %}", "{% if proxy is defined %}"));
    site
}

fn inject(sites: &str) -> [&str; 6] {
    ["user-data", "inject", "--sites", sites, "--out", "fleet"]
}

#[test]
fn every_site_gets_its_own() {
    let site = site();
    site.write("sites.csv", "name,zip,proxy\nplant-7,01234,\nplant-8,\"a: b\",http://p:1\n");
    let ended = site.run(&inject("sites.csv")).expect(0);
    assert!(
        ended.stderr.ends_with("wrote the user data of 2 sites to fleet\n"),
        "{}",
        ended.stderr
    );
    let one = std::fs::read_to_string(site.path("fleet/plant-7.yaml")).unwrap();
    assert!(one.contains("    name: plant-7\n    tags: {zip: \"01234\"}\n"), "{one}");
    assert!(one.contains("domain: \"10.10.254.254:8000/ns\"") && !one.contains("network"), "{one}");
    let two = std::fs::read_to_string(site.path("fleet/plant-8.yaml")).unwrap();
    assert!(
        two.contains("tags: {zip: \"a: b\"}\n    network: {httpsProxy: \"http://p:1\"}"),
        "{two}"
    );
    let mode = std::fs::metadata(site.path("fleet/plant-8.yaml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    site.write("sites.yaml", "plant-9: {zip: \"1\"}\n");
    site.run(&inject("sites.yaml")).expect(0);
    assert!(!site.path("fleet/plant-7.yaml").exists());
    site.write("sites/plant-1.yaml", "zip: \"1\"\n");
    site.write("sites/plant-2.yaml", "zip: \"2\"\n");
    site.run(&inject("sites")).expect(0);
    assert!(site.path("fleet/plant-1.yaml").exists() && site.path("fleet/plant-2.yaml").exists());
}

/// The directory is replaced as a whole.
#[test]
fn nothing_of_the_users_is_in_the_way() {
    let site = site();
    site.write("sites/plant-1.yaml", "zip: \"1\"\n");
    site.write("sites.yaml", "plant-1: {zip: \"1\"}\n");
    let refused = |arguments: &[&str], holds: &str| {
        let ended = site.run(arguments).expect(1);
        assert!(ended.stderr.contains(holds), "{}", ended.stderr);
    };
    let into = |sites, out| ["user-data", "inject", "--sites", sites, "--out", out];
    refused(&into("sites", "sites"), "`sites` holds the sites");
    site.write("fleet/values.yaml", "mine: true\n");
    refused(&into("sites.yaml", "fleet"), "`fleet` holds `values.yaml`");
    site.write("own/plant-1.yaml", "#cloud-config\nhostname: a\n");
    let template = ["--in", "own/plant-1.yaml"];
    refused(&[&into("sites.yaml", "own")[..], &template].concat(), "is made of");
    let kept = std::fs::read_to_string(site.path("own/plant-1.yaml")).unwrap();
    assert_eq!(kept, "#cloud-config\nhostname: a\n");
    assert!(site.path("sites/plant-1.yaml").exists() && site.path("fleet/values.yaml").exists());
}

/// What is no directory is not replaced by one.
#[test]
fn a_file_is_no_place_for_the_sites() {
    let site = site();
    site.write("sites.csv", "name,zip\nplant-7,1\n");
    site.write("fleet.yaml", "mine: true\n");
    site.write("elsewhere/notes.txt", "mine");
    std::os::unix::fs::symlink("elsewhere", site.path("link")).unwrap();
    for (out, is) in [
        ("fleet.yaml", "is a file"),
        ("user-data", "is a file"),
        ("link", "is a symbolic link"),
        ("-", "is the standard output"),
    ] {
        let ended =
            site.run(&["user-data", "inject", "--sites", "sites.csv", "--out", out]).expect(2);
        assert!(ended.stderr.contains(&format!("`{out}` {is}")), "{}", ended.stderr);
    }
    assert_eq!(std::fs::read_to_string(site.path("fleet.yaml")).unwrap(), "mine: true\n");
    assert!(site.path("link").is_symlink() && !site.path("-").exists());
    assert!(site.path("elsewhere/notes.txt").exists());
}

/// Other tables than ours.
#[test]
fn a_table_without_names_says_what_it_has() {
    let site = site();
    for (table, found, hint) in [
        ("name;zip\na;1\n", "found `name;zip`", "hint: separate the columns with commas"),
        ("Name,zip\na,1\n", "found `Name`, `zip`", "hint: write `name` for `Name`"),
        ("site,zip\na,1\n", "found `site`, `zip`", "hint: add a column `name`"),
        ("name,zip\na,1\nb,\"2\nc,3\n", "line 3: a quote that begins here", "hint: close it"),
    ] {
        site.write("sites.csv", table);
        let ended = site.run(&inject("sites.csv")).expect(1);
        let is_told = ended.stderr.contains(found) && ended.stderr.contains(hint);
        assert!(is_told, "{}", ended.stderr);
    }
}

#[test]
fn a_list_below_a_key_is_no_site() {
    let site = site();
    site.write("sites.yaml", "sites:\n- {name: a, zip: \"1\"}\n");
    let ended = site.run(&inject("sites.yaml")).expect(1);
    assert!(ended.stderr.contains("sites.yaml sites: expected a mapping"), "{}", ended.stderr);
}

#[test]
fn one_wrong_site_and_none_is_written() {
    let site = site();
    site.write("sites.csv", "name,zip\nplant-7,1\nplant-8,\n");
    let ended = site.run(&inject("sites.csv")).expect(3);
    let told = "site `plant-8` (sites.csv:3): the template's line 5: `zip` has no value";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint: where sites may have none"), "{}", ended.stderr);
    assert!(!site.path("fleet").exists());

    site.write("sites.csv", "name,zip\nplant-7,1\nplant-7,2\n");
    let ended = site.run(&inject("sites.csv")).expect(1);
    assert!(
        ended.stderr.contains("sites.csv:3: there is another site `plant-7`"),
        "{}",
        ended.stderr
    );
    site.write("sites.csv", "name,zip\n../x,1\n");
    site.run(&inject("sites.csv")).expect(1);
    site.write("sites.csv", "name,zip\nx,1,2\n");
    let ended = site.run(&inject("sites.csv")).expect(1);
    assert!(ended.stderr.contains("line: 2"), "{}", ended.stderr);

    site.write("sites.csv", "name,zip\nx,1\n");
    site.write("fleet/notes.txt", "mine");
    let ended = site.run(&inject("sites.csv")).expect(1);
    assert!(ended.stderr.contains("holds `notes.txt`"), "{}", ended.stderr);
    assert!(site.path("fleet/notes.txt").exists());
}

#[test]
fn a_registry_that_a_condition_takes_away_is_missed() {
    let site = site();
    let text = "#cloud-config\n{% if big is defined %}\nstylus:\n  site: {name: x}\n{% endif %}\n";
    site.write("user-data", text);
    site.write("sites.yaml", "- {name: a, big: true}\n- {name: b}\n");
    let ended = site.run(&inject("sites.yaml")).expect(3);
    assert!(ended.stderr.contains("site `b` (sites.yaml [1])"), "{}", ended.stderr);
    assert!(ended.stderr.contains("stands around it"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("site `a`"), "{}", ended.stderr);
}

#[test]
fn mappings_keep_their_kinds() {
    let site = site();
    site.write(
        "user-data",
        "#cloud-config\nstylus:\n  site:\n    name: {{ name }}\n    tags: {{ tags }}\n  ip: {{ net.ip }}\n  x: {{ list }}\n",
    );
    let values = "{tags: {a: \"no\", b: \"0.50\"}, net: {ip: 10.0.0.7}, list: [~, 1.50, 7]}\n";
    let expected =
        ["    tags: {a: \"no\", b: \"0.50\"}\n", "  ip: \"10.0.0.7\"\n  x: [null, 1.50, 7]\n"];
    site.write("sites.yaml", &format!("plant-7: {values}"));
    site.write("sites/plant-7.yaml", values);
    for sites in ["sites.yaml", "sites"] {
        site.run(&inject(sites)).expect(0);
        let one = std::fs::read_to_string(site.path("fleet/plant-7.yaml")).unwrap();
        assert!(expected.iter().all(|text| one.contains(text)), "{one}");
    }
}

#[test]
fn warnings_of_the_sites_are_said_once_a_rule() {
    let site = site();
    let odd = "#cloud-config\n{% if odd %}\nhostnme: x\n{% endif %}\n";
    let template = TEMPLATE.replace("proxy %}", "proxy is defined %}");
    site.write("user-data", &template.replace("#cloud-config\n", odd));
    site.write("sites.yaml", "- {name: a, zip: x, odd: false}\n- {name: b, zip: x, odd: true}\n- {name: c, zip: x, odd: true}\n");
    let ended = site.run(&inject("sites.yaml")).expect(0);
    let said: Vec<&str> = ended.stderr.lines().filter(|line| line.contains("first `")).collect();
    assert_eq!(said.len(), 1, "{}", ended.stderr);
    assert!(
        said[0].starts_with("warning: 2 of 3 sites, first `b`: the template's line 3: "),
        "{}",
        said[0]
    );
    assert!(said[0].ends_with("[unknown-key]"), "{}", said[0]);
}

#[test]
fn what_was_added_to_a_site_can_be_removed() {
    let site = site();
    site.write("sites.yaml", "- {name: a, zip: 0123}\n");
    site.run(&inject("sites.yaml")).expect(0);
    // A link stays one.
    site.write("a.yaml", "");
    std::os::unix::fs::symlink("a.yaml", site.path("link.yaml")).unwrap();
    let remove = ["user-data", "inject", "--remove", "--in", "fleet/a.yaml", "--out", "link.yaml"];
    site.run(&remove).expect(0);
    assert!(site.path("link.yaml").is_symlink());
    let expected = "#cloud-config\nstylus:\n  site:\n    name: a\n    tags: {zip: \"0123\"}\n";
    assert_eq!(std::fs::read_to_string(site.path("a.yaml")).unwrap(), expected);
    let mode = std::fs::metadata(site.path("a.yaml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::remove_file(site.path("a.yaml")).unwrap();
    let ended = site.run(&remove).expect(1);
    assert!(
        ended.stderr.contains("`link.yaml` is a symbolic link that leads to no file"),
        "{}",
        ended.stderr
    );
}
