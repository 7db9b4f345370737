//! A machine, and QEMU's argument vector for it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use edgectl_model::EVENT_PORT;

use crate::accel::Accel;
use crate::firmware::Firmware;

/// What the machine starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Boot {
    /// The installer; its disk is blank.
    Installer {
        /// The image.
        iso: PathBuf,
        /// How it is plugged in.
        medium: Medium,
        /// A disc with the key of its user data.
        key_disc: Option<PathBuf>,
    },
    /// The disk.
    Disk,
}

/// How an installer image is plugged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// As a CD.
    Cd,
    /// As a USB disk.
    UsbDisk,
}

/// The only way out of the machine: connections to one address are handed to
/// a program, one process each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// IPv4 address that the guest connects to.
    pub address: std::net::Ipv4Addr,
    /// Port that the guest connects to.
    pub port: u16,
    /// The program and its arguments; it talks to the guest on stdin and stdout.
    pub command: Vec<OsString>,
}

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// How it is run.
    pub accel: Accel,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Processors.
    pub cpus: u32,
    /// What it starts from.
    pub boot: Boot,
    /// Its disk (qcow2).
    pub disk: PathBuf,
    /// The only way out; none for a machine without any network.
    pub door: Option<Door>,
    /// What starts it.
    pub firmware: Firmware,
}

/// Files that a running machine writes or listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Channels {
    /// First serial port.
    pub(crate) console: PathBuf,
    /// What SeaBIOS says of its work.
    pub(crate) firmware: PathBuf,
    /// The agent's events.
    pub(crate) events: PathBuf,
    /// QEMU's monitor.
    pub(crate) monitor: PathBuf,
}

impl Machine {
    /// QEMU's arguments, without the program.
    pub(crate) fn argv(&self, channels: &Channels) -> Vec<OsString> {
        let mut argv = Argv(Vec::new());
        argv.add(["-nodefaults", "-machine", "pc", "-display", "none", "-vga", "std"]);
        argv.add(self.accel.arguments());
        argv.add(["-m", &self.memory_mib.to_string(), "-smp", &self.cpus.to_string()]);
        argv.add(["-device", "virtio-rng-pci"]);
        if let Firmware::Uefi(flash) = &self.firmware {
            for (start, file) in flash.drives() {
                argv.add_os(["-drive".into(), option(start, file)]);
            }
        }
        self.add_disk(&mut argv);
        self.add_installer(&mut argv);
        self.add_network(&mut argv);
        add_channels(&mut argv, channels);
        // An installer that is done restarts the machine: that is its end.
        argv.add(["-no-reboot"]);
        argv.0
    }

    fn add_disk(&self, argv: &mut Argv) {
        // Nothing on this disk has to survive a crash of the host.
        let drive = option("if=none,id=disk,format=qcow2,cache=unsafe,file=", &self.disk);
        argv.add_os(["-drive".into(), drive]);
        argv.add(["-device", "virtio-blk-pci,drive=disk,bootindex=1"]);
    }

    fn add_installer(&self, argv: &mut Argv) {
        let Boot::Installer { iso, medium, key_disc } = &self.boot else { return };
        if let Some(disc) = key_disc {
            let drive = option("if=none,id=key,format=raw,media=cdrom,readonly=on,file=", disc);
            argv.add_os(["-drive".into(), drive]);
            argv.add(["-device", "ide-cd,drive=key,bus=ide.0"]);
        }
        match medium {
            Medium::Cd => {
                let drive =
                    option("if=none,id=installer,format=raw,media=cdrom,readonly=on,file=", iso);
                argv.add_os(["-drive".into(), drive]);
                argv.add(["-device", "ide-cd,drive=installer,bus=ide.1,bootindex=2"]);
            }
            Medium::UsbDisk => {
                let drive = option("if=none,id=installer,format=raw,snapshot=on,file=", iso);
                argv.add_os(["-drive".into(), drive]);
                argv.add(["-device", "qemu-xhci"]);
                argv.add(["-device", "usb-storage,drive=installer,removable=on,bootindex=2"]);
            }
        }
    }

    /// QEMU's user network with everything shut but the door.
    fn add_network(&self, argv: &mut Argv) {
        let Some(door) = &self.door else { return };
        let [a, b, c, d] = door.address.octets();
        // The gateway only hands out an address; it leads nowhere.
        let host = if d == 2 { 3 } else { 2 };
        let words: Vec<String> =
            door.command.iter().map(|word| quoted(&word.to_string_lossy())).collect();
        let command = words.join(" ").replace(',', ",,");
        let netdev = format!(
            "user,id=net,restrict=on,ipv6=off,net={a}.{b}.{c}.0/24,host={a}.{b}.{c}.{host},guestfwd=tcp:{}:{}-cmd:{command}",
            door.address, door.port
        );
        argv.add(["-netdev", &netdev, "-device", "virtio-net-pci,netdev=net"]);
    }
}

fn add_channels(argv: &mut Argv, channels: &Channels) {
    argv.add_os(["-chardev".into(), option("file,id=console,path=", &channels.console)]);
    argv.add(["-serial", "chardev:console"]);
    argv.add_os(["-chardev".into(), option("file,id=firmware,path=", &channels.firmware)]);
    // SeaBIOS shows its last word on the screen alone, and says it here as well.
    argv.add(["-device", "isa-debugcon,iobase=0x402,chardev=firmware"]);
    argv.add_os(["-chardev".into(), option("file,id=events,path=", &channels.events)]);
    let port = format!("virtserialport,chardev=events,name={EVENT_PORT}");
    argv.add(["-device", "virtio-serial-pci", "-device", &port]);
    argv.add_os([
        "-chardev".into(),
        option("socket,id=mon,server=on,wait=off,path=", &channels.monitor),
    ]);
    argv.add(["-mon", "chardev=mon,mode=control"]);
}

struct Argv(Vec<OsString>);

impl Argv {
    fn add<T: AsRef<str>>(&mut self, words: impl IntoIterator<Item = T>) {
        self.0.extend(words.into_iter().map(|w| OsString::from(w.as_ref())));
    }

    fn add_os(&mut self, words: impl IntoIterator<Item = OsString>) {
        self.0.extend(words);
    }
}

/// An option that ends in a path; QEMU takes a comma apart unless doubled.
fn option(start: &str, path: &Path) -> OsString {
    OsString::from(format!("{start}{}", path.to_string_lossy().replace(',', ",,")))
}

/// A word for the command line that QEMU splits as a shell would.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firmware::Flash;

    fn machine(boot: Boot) -> Machine {
        Machine {
            accel: Accel::Tcg,
            memory_mib: 1024,
            cpus: 2,
            boot,
            disk: "/d/disk,1.qcow2".into(),
            door: Some(Door {
                address: [10, 10, 254, 254].into(),
                port: 8000,
                command: ["/bin/fwd", "a b", "c,d"].map(OsString::from).to_vec(),
            }),
            firmware: Firmware::Bios,
        }
    }

    fn line(machine: &Machine) -> String {
        let channels = Channels {
            console: "/d/console".into(),
            firmware: "/d/firmware".into(),
            events: "/d/ev".into(),
            monitor: "/d/m".into(),
        };
        let words: Vec<String> =
            machine.argv(&channels).iter().map(|w| w.to_string_lossy().into_owned()).collect();
        words.join(" ")
    }

    #[test]
    fn the_network_has_one_door() {
        let line = line(&machine(Boot::Disk));
        assert!(
            line.contains("restrict=on,ipv6=off,net=10.10.254.0/24,host=10.10.254.2"),
            "{line}"
        );
        let door = "guestfwd=tcp:10.10.254.254:8000-cmd:'/bin/fwd' 'a b' 'c,,d'";
        assert!(line.contains(door), "{line}");
        assert!(line.contains("file=/d/disk,,1.qcow2"), "{line}");
    }

    #[test]
    fn uefi_has_variables_that_it_may_write() {
        let firmware = Firmware::Uefi(Flash::of("/d/code", "/d/own,1"));
        let line = line(&Machine { firmware, ..machine(Boot::Disk) });
        let drives = "-drive if=pflash,format=raw,readonly=on,file=/d/code \
                      -drive if=pflash,format=raw,file=/d/own,,1 ";
        assert!(line.contains(drives), "{line}");
    }

    #[test]
    fn the_installer_is_a_cd_or_a_usb_disk() {
        let boot = |medium| Boot::Installer { iso: "/d/x.iso".into(), medium, key_disc: None };
        assert!(line(&machine(boot(Medium::Cd))).contains("ide-cd,drive=installer"));
        assert!(line(&machine(boot(Medium::UsbDisk))).contains("usb-storage,drive=installer"));
        assert!(!line(&machine(Boot::Disk)).contains("installer"));
        let boot = Boot::Installer {
            iso: "/d/x.iso".into(),
            medium: Medium::Cd,
            key_disc: Some("/d/key,1".into()),
        };
        let line = line(&machine(boot));
        assert!(line.contains("file=/d/key,,1 -device ide-cd,drive=key,bus=ide.0"), "{line}");
    }
}
