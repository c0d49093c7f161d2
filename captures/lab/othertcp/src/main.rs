//! A TCP client on smoltcp, driven line by line by the lab: the second stack, whose RSTs differ from Linux's.
//!
//! ```text
//! othertcp DEVICE MAC ADDRESS/PREFIX GATEWAY TARGET:PORT LOCAL_PORT
//! ```
//!
//! It connects and says `open`. Then it takes one order a line and answers each with one line: `send HEX` (`ok` when
//! all of it has been acknowledged), `receive` (`data HEX`, or `end` once the other end has closed), `close` (`ok`
//! when the FIN has been sent) and `abort` (`ok` when the RST has). Its end is the end of its input.

use std::error::Error;
use std::io::{BufRead, Write};
use std::os::fd::AsRawFd;
use std::sync::mpsc;
use std::time::{Duration, Instant as Clock};

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Medium, RawSocket, wait};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpCidr, IpEndpoint, Ipv4Address};

/// Octets of either buffer.
const BUFFER: usize = 65_535;
/// Nothing that the lab orders takes longer than the appliance's timer.
const PATIENCE: Duration = Duration::from_secs(330);
/// How long the stack may wait for an order before it looks at its device again.
const IDLE: Duration = Duration::from_millis(2);

/// The stack, its device and its one connection.
struct Stack {
    device: RawSocket,
    interface: Interface,
    sockets: SocketSet<'static>,
    tcp: SocketHandle,
}

impl Stack {
    /// Begins to connect.
    fn connect(arguments: &[String]) -> Result<Self, Box<dyn Error>> {
        let [device, mac, address, gateway, target, port] = arguments else {
            return Err("usage: othertcp DEVICE MAC ADDRESS/PREFIX GATEWAY TARGET:PORT LOCAL_PORT".into());
        };
        let octets =
            mac.split(':').map(|octet| u8::from_str_radix(octet, 16)).collect::<Result<Vec<_>, _>>()?;
        let mut device = RawSocket::new(device, Medium::Ethernet)?;
        let mut config = Config::new(HardwareAddress::Ethernet(EthernetAddress::from_bytes(&octets)));
        config.random_seed = std::time::SystemTime::UNIX_EPOCH.elapsed()?.subsec_nanos().into();
        let mut interface = Interface::new(config, &mut device, Instant::now());
        let cidr: IpCidr = address.parse().map_err(|()| "not an address with its prefix")?;
        interface.update_ip_addrs(|list| list.push(cidr).unwrap_or_default());
        interface.routes_mut().add_default_ipv4_route(gateway.parse::<Ipv4Address>()?)?;
        let mut sockets = SocketSet::new(Vec::new());
        let buffer = || SocketBuffer::new(vec![0; BUFFER]);
        let tcp = sockets.add(Socket::new(buffer(), buffer()));
        let target: std::net::SocketAddrV4 = target.parse()?;
        let local: u16 = port.parse()?;
        sockets
            .get_mut::<Socket<'_>>(tcp)
            .connect(interface.context(), IpEndpoint::from(target), local)
            .map_err(|failure| format!("{failure:?}"))?;
        Ok(Self { device, interface, sockets, tcp })
    }

    /// The connection.
    fn socket(&mut self) -> &mut Socket<'static> {
        self.sockets.get_mut(self.tcp)
    }

    /// Lets the stack take what has come and send what is due.
    fn work(&mut self) {
        self.interface.poll(Instant::now(), &mut self.device, &mut self.sockets);
    }

    /// Lets the stack work until `done` says so; an error when it never does.
    fn until(&mut self, done: impl Fn(&mut Socket<'static>) -> bool) -> Result<(), Box<dyn Error>> {
        let began = Clock::now();
        loop {
            let now = Instant::now();
            self.interface.poll(now, &mut self.device, &mut self.sockets);
            if done(self.socket()) {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                return Err("it took too long".into());
            }
            let pause = self
                .interface
                .poll_delay(now, &self.sockets)
                .unwrap_or(smoltcp::time::Duration::from_millis(20));
            let pause = pause.min(smoltcp::time::Duration::from_millis(20));
            wait(self.device.as_raw_fd(), Some(pause))?;
        }
    }

    /// One order; its answer.
    fn order(&mut self, line: &str) -> Result<String, Box<dyn Error>> {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("send", hex) => {
                let octets = from_hex(hex)?;
                let mut rest = octets.as_slice();
                while !rest.is_empty() {
                    let taken = self.socket().send_slice(rest).map_err(|failure| format!("{failure:?}"))?;
                    rest = rest.get(taken..).unwrap_or_default();
                    self.until(|socket| socket.send_queue() == 0 || !socket.is_active())?;
                }
                Ok(if self.socket().is_active() { "ok" } else { "reset" }.to_owned())
            }
            ("receive", _) => {
                self.until(|socket| socket.can_recv() || !socket.may_recv())?;
                let mut octets = vec![0; BUFFER];
                let Ok(length) = self.socket().recv_slice(&mut octets) else { return Ok("end".to_owned()) };
                octets.truncate(length);
                Ok(format!("data {}", octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>()))
            }
            ("close", _) => {
                self.socket().close();
                self.until(|socket| !matches!(socket.state(), State::FinWait1 | State::LastAck))?;
                Ok("ok".to_owned())
            }
            ("abort", _) => {
                self.socket().abort();
                self.work();
                Ok("ok".to_owned())
            }
            _ => Err(format!("not an order: {line}").into()),
        }
    }
}

fn from_hex(hex: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let digits = hex.as_bytes().chunks(2).map(std::str::from_utf8);
    digits.map(|pair| Ok(u8::from_str_radix(pair?, 16)?)).collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut stack = Stack::connect(&arguments)?;
    stack.until(|socket| socket.may_send())?;
    println!("open");
    let (orders, given) = mpsc::channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if orders.send(line).is_err() {
                break;
            }
        }
    });
    loop {
        match given.recv_timeout(IDLE) {
            Ok(line) => println!("{}", stack.order(&line)?),
            Err(mpsc::RecvTimeoutError::Timeout) => stack.work(),
            Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(()),
        }
        std::io::stdout().flush()?;
    }
}
