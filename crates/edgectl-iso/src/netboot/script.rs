//! The iPXE script, and the kernel arguments in it.

use crate::area::MENU;
use crate::disc::Disc;
use crate::error::IsoError;
use crate::live::LiveSystem;

use super::{INITRD, KERNEL, MEDIUM, NetbootError, PACKED};

/// A boot menu.
const MENU_LIMIT: u64 = 4 << 20;
/// How the menu of a baked image starts its kernel.
const COMMAND: &str = "linux /boot/kernel ";

/// An address without the slashes at its end. Boot scripts hand it to shells,
/// so it has plain characters alone; and everybody can read it, so no login.
pub(super) fn checked(url: &str) -> Result<&str, NetbootError> {
    let plain = url.trim_end_matches('/');
    let rest = ["http://", "https://"].iter().find_map(|scheme| plain.strip_prefix(scheme));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_~:/[]%".contains(c);
    match rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(is_plain)) {
        true => Ok(plain),
        false => Err(NetbootError::Address),
    }
}

/// The script that starts what is on a medium.
pub(super) fn of(disc: &Disc, live: LiveSystem, url: &str) -> Result<String, IsoError> {
    let entry = disc.find(MENU)?.ok_or_else(no_menu)?;
    let menu = disc.read(&entry, MENU_LIMIT)?;
    let menu = String::from_utf8_lossy(&menu);
    let line = menu.lines().find_map(|line| line.trim_start().strip_prefix(COMMAND));
    let arguments = arguments(words(line.ok_or_else(no_menu)?), live, url);
    arguments.iter().try_for_each(|word| ensure_taken(word))?;
    Ok(text(&arguments, live == LiveSystem::Edge, url))
}

fn no_menu() -> NetbootError {
    NetbootError::Image(format!("its boot menu `/{MENU}` isn't ours any more"))
}

fn text(arguments: &[String], is_packed: bool, url: &str) -> String {
    let mut files = vec![INITRD];
    files.extend(is_packed.then_some(PACKED));
    // UEFI's kernels are told the names; SeaBIOS' pass over them.
    let named: Vec<String> = files.iter().map(|name| format!("initrd={name}")).collect();
    let (named, arguments) = (named.join(" "), arguments.join(" "));
    let fetched = files.iter().map(|name| format!("initrd ${{base}}/{name} || goto failed\n"));
    format!(
        "#!ipxe\n\
         # Starts an installer of edgectl over the network.\n\
         set base {url}\n\
         kernel ${{base}}/{KERNEL} {named} {arguments} || goto failed\n\
         {}\
         boot || goto failed\n\
         :failed\n\
         echo The installer could not be started from ${{base}}\n\
         exit 1\n",
        fetched.collect::<String>()
    )
}

/// The words behind a command of the menu, which has backslashes in front of
/// what its language would take apart.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut is_escaped) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        match c {
            _ if is_escaped => {
                word.push(c);
                is_escaped = false;
            }
            '\\' => is_escaped = true,
            ' ' => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// Arguments that find the medium on a network in place of its label.
fn arguments(from_menu: Vec<String>, live: LiveSystem, url: &str) -> Vec<String> {
    let place = format!("{url}/{MEDIUM}");
    let mut arguments = Vec::new();
    for word in from_menu {
        match live {
            LiveSystem::Edge => arguments.push(word),
            LiveSystem::LiveBoot if word == "boot=live" => {
                arguments.extend([word, format!("fetch={place}")]);
            }
            LiveSystem::LiveBoot => arguments.push(word),
            LiveSystem::Dracut | LiveSystem::Kairos if word.starts_with("root=live:") => {
                let network = ["ip=dhcp", "rd.neednet=1"].map(str::to_owned);
                arguments.push(format!("root=live:{place}"));
                arguments.extend(network);
            }
            // Kairos has a word of its own for either.
            LiveSystem::Kairos if word == "cdroot" => arguments.push("netboot".to_owned()),
            LiveSystem::Dracut | LiveSystem::Kairos => arguments.push(word),
        }
    }
    arguments
}

/// iPXE has no quotes: a space parts words, and some of them mean something.
fn ensure_taken(word: &str) -> Result<(), NetbootError> {
    let is_read = ["||", "&&"].contains(&word) || word.starts_with('#') || word.contains("${");
    let is_parted = word.chars().any(|c| c.is_whitespace() || c.is_control());
    match is_read || is_parted {
        true => Err(NetbootError::Argument(word.to_owned())),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(live: LiveSystem) -> String {
        let own = live.arguments("X").iter().map(|a| edgectl_model::grub_word(a)).collect();
        let line: Vec<String> = own;
        arguments(words(&format!("{} quiet    ", line.join(" "))), live, "http://h/p").join(" ")
    }

    #[test]
    fn every_system_is_told_where_its_medium_is() {
        let seed = "ds=nocloud;s=file:///run/live/medium/nocloud/";
        let (fetch, end) = ("fetch=http://h/p/medium.iso", "console=ttyS0,115200n8 quiet");
        let live_boot = told(LiveSystem::LiveBoot);
        assert_eq!(live_boot, format!("boot=live {fetch} {seed} console=tty0 {end}"));
        for live in [LiveSystem::Dracut, LiveSystem::Kairos] {
            let text = told(live);
            assert!(
                text.contains("root=live:http://h/p/medium.iso ip=dhcp rd.neednet=1 "),
                "{text}"
            );
            assert!(!text.contains("CDLABEL") && text.contains("rd.live.squashimg="), "{text}");
        }
        assert!(told(LiveSystem::Kairos).starts_with("netboot root=live:http://"));
        assert!(told(LiveSystem::Edge).starts_with("boot=edge edgectl.medium=X "));
    }

    #[test]
    fn addresses() {
        assert_eq!(checked("http://10.0.2.2:8080/a//").unwrap(), "http://10.0.2.2:8080/a");
        assert_eq!(checked("https://[fd00::1]").unwrap(), "https://[fd00::1]");
        for bad in [
            "",
            "http://",
            "10.0.2.2",
            "tftp://x",
            "http://u:p@h",
            "http://h/a b",
            "http://h/$x",
            "http://h/?q",
        ] {
            assert!(checked(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn words_that_ipxe_would_take_apart_are_refused() {
        assert_eq!(words(r"a\;b  c\ d  "), ["a;b", "c d"]);
        assert!(ensure_taken("ds=nocloud;s=file:///x/").is_ok() && ensure_taken("a#b").is_ok());
        for bad in ["a b", "||", "#x", "a=${base}", "a\u{7f}"] {
            assert!(ensure_taken(bad).is_err(), "{bad}");
        }
    }
}
