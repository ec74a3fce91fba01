//! A TCP connection to a PostgreSQL server that is slow, is cut in the middle of a request, or refuses connections.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use locum_testing::PostgresServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Which packet ends its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// One from the client: the server does not get it.
    Request,
    /// One from the server: what it answers to was processed.
    Answer,
}

/// Listens on a port, and passes on what is sent.
pub(crate) struct Wire {
    socket: PathBuf,
    port: u16,
    packets: Arc<Packets>,
    listening: Option<JoinHandle<()>>,
    /// Ends all connections.
    end: watch::Sender<()>,
}

#[derive(Default)]
struct Packets {
    /// How many pass until one is not passed on; 0 if all are.
    left: AtomicU32,
    cuts_answers: AtomicBool,
    delay_ms: AtomicU64,
}

impl Wire {
    pub(crate) async fn to(server: &PostgresServer) -> Self {
        let url = server.url();
        let folder = url.split_once("host=").unwrap().1.split('&').next().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut wire = Self {
            socket: PathBuf::from(folder).join(".s.PGSQL.5432"),
            port: listener.local_addr().unwrap().port(),
            packets: Arc::default(),
            listening: None,
            end: watch::Sender::new(()),
        };
        wire.listen(listener);
        wire
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://locum@127.0.0.1:{}/postgres", self.port)
    }

    /// Ends the connection of the `number`th packet from now, and passes on all others.
    pub(crate) fn cut(&self, what: Cut, number: u32) {
        self.packets.cuts_answers.store(what == Cut::Answer, Ordering::SeqCst);
        self.packets.left.store(number, Ordering::SeqCst);
    }

    /// Passes on everything. Returns whether a packet has ended its connection meanwhile.
    pub(crate) fn was_cut(&self) -> bool {
        self.packets.left.swap(0, Ordering::SeqCst) == 0
    }

    /// Passes on each packet after so long.
    pub(crate) fn delay(&self, delay: Duration) {
        self.packets.delay_ms.store(delay.as_millis().try_into().unwrap(), Ordering::SeqCst);
    }

    /// Ends all connections, and refuses new ones.
    pub(crate) async fn stop(&mut self) {
        let listening = self.listening.take().unwrap();
        listening.abort();
        assert!(listening.await.is_err_and(|ended| ended.is_cancelled()));
        self.end.send_replace(());
    }

    /// Accepts connections again.
    pub(crate) async fn start(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.listen(listener);
    }

    fn listen(&mut self, listener: TcpListener) {
        let (socket, packets, end) = (self.socket.clone(), Arc::clone(&self.packets), self.end.clone());
        self.listening = Some(tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let Ok(server) = UnixStream::connect(&socket).await else { continue };
                tokio::spawn(pass_on(client, server, Arc::clone(&packets), end.subscribe()));
            }
        }));
    }
}

async fn pass_on(
    mut client: TcpStream,
    mut server: UnixStream,
    packets: Arc<Packets>,
    mut end: watch::Receiver<()>,
) {
    let (mut request, mut answer) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let passed = tokio::select! {
            _ = end.changed() => return,
            read = client.read(&mut request) => pass(&packets, Cut::Request, read, &request, &mut server).await,
            read = server.read(&mut answer) => pass(&packets, Cut::Answer, read, &answer, &mut client).await,
        };
        if passed.is_none() {
            return;
        }
    }
}

/// `None` if the connection ends here.
async fn pass(
    packets: &Packets,
    what: Cut,
    read: std::io::Result<usize>,
    from: &[u8],
    to: &mut (impl AsyncWriteExt + Unpin),
) -> Option<()> {
    let read = read.ok().filter(|read| *read > 0)?;
    if packets.cuts_answers.load(Ordering::SeqCst) == (what == Cut::Answer) {
        // The last of those that are left is 1.
        let left = packets.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left == Ok(1) {
            return None;
        }
    }
    tokio::time::sleep(Duration::from_millis(packets.delay_ms.load(Ordering::SeqCst))).await;
    to.write_all(&from[..read]).await.ok()
}
