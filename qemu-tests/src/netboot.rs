//! A server of files, and a machine that has nothing but a network card and a
//! blank disk.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use edgectl_model::EVENT_PORT;
use edgectl_process::{Cmd, Running, Tool};

/// QEMU's user network has its host here.
const HOST: &str = "10.0.2.2";
const PATIENCE: Duration = Duration::from_secs(600);
const PAUSE: Duration = Duration::from_millis(200);
const UEFI: Tool = Tool {
    name: "/usr/share/OVMF/OVMF_CODE_4M.fd",
    package: "ovmf",
    purpose: "starting over a network under UEFI",
    version: &[],
};
const UEFI_VARIABLES: Tool = Tool { name: "/usr/share/OVMF/OVMF_VARS_4M.fd", ..UEFI };

/// What starts a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Firmware {
    /// SeaBIOS.
    Bios,
    /// OVMF.
    Uefi,
}

impl Firmware {
    /// QEMU's arguments for it; `directory` takes its variables.
    fn arguments(self, directory: &Path) -> Vec<String> {
        if self == Self::Bios {
            return Vec::new();
        }
        let variables = directory.join("variables.fd");
        std::fs::copy(UEFI_VARIABLES.find().unwrap(), &variables).unwrap();
        let (code, variables) = (UEFI.find().unwrap(), variables.display());
        let flash = "if=pflash,format=raw,file=";
        let drives =
            [format!("{flash}{},readonly=on", code.display()), format!("{flash}{variables}")];
        drives.into_iter().flat_map(|drive| ["-drive".to_owned(), drive]).collect()
    }
}

/// Serves the files of a directory to this machine alone, over HTTP.
#[derive(Debug)]
pub struct FileServer {
    port: u16,
}

impl FileServer {
    /// Starts it; it ends with the process.
    pub fn start(directory: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Whoever hangs up has what it wants.
                let _ = answer(stream, &directory);
            }
        });
        Self { port }
    }

    /// Where a machine in QEMU finds it.
    pub fn url(&self) -> String {
        format!("http://{HOST}:{}", self.port)
    }
}

fn answer(mut stream: TcpStream, directory: &Path) -> io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let name = first.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
    let Ok(mut file) = File::open(directory.join(name)) else {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    };
    let length = file.metadata()?.len();
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")?;
    io::copy(&mut file, &mut stream).map(drop)
}

/// A machine that starts from a network.
#[derive(Debug)]
pub struct NetworkMachine {
    running: Option<Running>,
    directory: PathBuf,
    /// The first serial line; a socket's path must be short.
    console: PathBuf,
    keyboard: Option<UnixStream>,
}

impl NetworkMachine {
    /// Starts one whose firmware is told to fetch `script`.
    pub fn start(directory: &Path, script: &str, firmware: Firmware) -> Self {
        std::fs::create_dir_all(directory).unwrap();
        let place = |name: &str| directory.join(name).display().to_string();
        let disk = place("disk.qcow2");
        Cmd::new("qemu-img").args(["create", "-f", "qcow2", &disk, "8G"]).ensure_success().unwrap();
        let log = File::create(place("qemu.log")).unwrap();
        let console = std::env::temp_dir().join(format!("edgectl-{}", std::process::id()));
        let line = format!(
            "socket,id=console,server=on,wait=off,path={},logfile={}",
            console.display(),
            place("console.log")
        );
        let port = format!("virtserialport,chardev=events,name={EVENT_PORT}");
        let cmd = Cmd::new("qemu-system-x86_64")
            .args(["-nodefaults", "-machine", "pc", "-accel", "tcg,thread=multi", "-m", "2048"])
            .args(["-smp", "2", "-display", "none", "-vga", "std", "-no-reboot"])
            .args(["-device", "virtio-rng-pci", "-device", "virtio-serial-pci"])
            .args(["-chardev", &format!("file,id=events,path={}", place("events.jsonl"))])
            .args(["-device", &port, "-chardev", &line, "-serial", "chardev:console"])
            .args(["-drive", &format!("if=none,id=disk,format=qcow2,cache=unsafe,file={disk}")])
            .args(["-device", "virtio-blk-pci,drive=disk"])
            .args(["-netdev", &format!("user,id=net,bootfile={script}")])
            .args(["-device", "virtio-net-pci,netdev=net,bootindex=1"])
            .args(firmware.arguments(directory));
        let running = Some(cmd.start_logging(&log).unwrap());
        Self { running, directory: directory.to_owned(), console, keyboard: None }
    }

    /// Waits until the agent says something.
    pub fn wait_for_event(&mut self, event: &str) {
        self.wait_for("events.jsonl", &format!("\"event\":\"{event}\""), 1);
    }

    /// Waits until a question was asked so many times on the console.
    pub fn wait_for_question(&mut self, question: &str, times: usize) {
        self.wait_for("console.log", question, times);
    }

    /// Waits for a question, too, and types an answer.
    pub fn answer(&mut self, question: &str, times: usize, answer: &str) {
        self.wait_for_question(question, times);
        let console = &self.console;
        let keyboard = self.keyboard.get_or_insert_with(|| {
            let keyboard = UnixStream::connect(console).unwrap();
            let mut screen = keyboard.try_clone().unwrap();
            // A machine waits for whoever listens to its line; the log has all of it.
            std::thread::spawn(move || io::copy(&mut screen, &mut io::sink()));
            keyboard
        });
        keyboard.write_all(format!("{answer}\r").as_bytes()).unwrap();
    }

    fn wait_for(&mut self, file: &str, wanted: &str, times: usize) {
        let started = Instant::now();
        loop {
            // Looked at first: what went down may have said it with its last word.
            let has_ended = self.running.as_mut().unwrap().ended().unwrap().is_some();
            if self.said(file).matches(wanted).count() >= times {
                return;
            }
            if has_ended {
                let failure = self.running.take().unwrap().into_failure();
                panic!("{failure}\n{}\n{}", self.said("events.jsonl"), self.said("console.log"));
            }
            let (said, console) = (self.said("events.jsonl"), self.said("console.log"));
            assert!(started.elapsed() < PATIENCE, "{said}\n{console}");
            std::thread::sleep(PAUSE);
        }
    }

    /// What stands in one of the machine's files.
    pub fn said(&self, file: &str) -> String {
        let bytes = std::fs::read(self.directory.join(file)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for NetworkMachine {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.console);
    }
}
