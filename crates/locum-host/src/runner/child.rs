//! The runner's side: restricts itself, maps the plugin, and answers on its lanes. Nothing of the plugin runs before the
//! sandbox is complete, and nothing changes the sandbox after that.

mod lanes;
mod setup;

use std::fs::File;
use std::hash::RandomState;
use std::hint::black_box;
use std::io::{Write as _, stdin};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime};

use locum_sandbox as sandbox;
use locum_sandbox::SandboxError;
use rustix::rand::GetRandomFlags;

use self::lanes::Issuers;
use self::setup::Received;
use crate::limits::RUNNER_ADDRESS_SPACE_BYTES;
use crate::loading::load_error::{LoadErrorCode, LoadFault};
use crate::loading::mapping;
use crate::protections::Protections;
use crate::runner::messages::{CONFIGURE_LANE, ControlMessage};

/// Arenas of malloc. More would fill the address space with what is reserved for them.
const ARENAS: u16 = 2;

/// Runs the plugin that the parent process sends, until the parent closes the lanes or ends.
pub(super) fn run(parent: Option<u32>) -> ! {
    let Some(parent) = parent.filter(|_| setup::is_control_socket(&stdin())) else {
        let _ = std::io::stderr().write_all(
            b"this program runs a plugin for a server, which starts it; to start the server, run `locum serve`\n",
        );
        std::process::exit(2)
    };
    if let Err(fault) = start(parent) {
        setup::tell(&ControlMessage::Refused(fault));
    }
    sandbox::leave()
}

fn start(parent: u32) -> Result<(), LoadFault> {
    sandbox::close_inherited().map_err(refused)?;
    let received = setup::receive()?;
    sandbox::end_with_parent(parent).map_err(refused)?;
    // Opened before the process is restricted: a description that came from the host would share its offset with it.
    let plugin = setup::reopen(&received.plugin)?;
    setup::send_status()?;
    let no_new_code = sandbox::refuse_executable_memory();
    sandbox::limit_process(RUNNER_ADDRESS_SPACE_BYTES, ARENAS).map_err(refused)?;
    mapping::open_libraries(&received.setup.libraries)?;
    let landlock = sandbox::refuse_files_and_network().map_err(refused)?;
    let issuers = Arc::new(Issuers::default());
    let is_trial = received.setup.is_trial;
    let configure_lane = start_lanes(received, &issuers)?;
    sandbox::handle_signals().map_err(refused)?;
    let plugin = sandbox::PluginFile::new(plugin.into());
    let name = plugin.name();
    sandbox::install_filter(plugin).map_err(refused)?;
    if is_trial {
        mapping::open_trial(&name)?;
        use_what_plugins_use();
    } else {
        issuers.set_module(mapping::open(&name)?);
    }
    sandbox::give_back_memory();
    setup::tell(&ControlMessage::Mapped(Protections { landlock, no_new_code }));
    lanes::serve(configure_lane, &issuers);
    Ok(())
}

/// Starts a thread for each lane, waits until all run, and returns the lane of this thread. A thread that is still starting
/// has its signals blocked, and would die without a word.
fn start_lanes(received: Received, issuers: &Arc<Issuers>) -> Result<File, LoadFault> {
    sandbox::prepare_thread(CONFIGURE_LANE).map_err(refused)?;
    lanes::start(received.lanes, issuers)?;
    Ok(received.configure_lane)
}

/// Uses of the C library and the system what every plugin may use: memory in small and large pieces that grow and are
/// given back, locks, clocks and random numbers.
fn use_what_plugins_use() {
    let mut pieces: Vec<Vec<u8>> = (0..64).map(|_| vec![1; 8 << 10]).collect();
    let mut large = vec![1_u8; 256 << 10];
    large.resize(4 << 20, 1);
    large.shrink_to(1 << 10);
    pieces.clear();
    black_box((pieces, large));
    let (lock, changed) = (Mutex::new(()), Condvar::new());
    if let Ok(guard) = lock.lock() {
        drop(changed.wait_timeout(guard, Duration::from_micros(1)));
    }
    std::thread::yield_now();
    black_box((Instant::now(), SystemTime::now(), RandomState::new()));
    let mut random = [0; 16];
    let _ = rustix::rand::getrandom(&mut random, GetRandomFlags::empty());
}

fn refused(error: SandboxError) -> LoadFault {
    LoadFault::new(LoadErrorCode::RunnerUnavailable, error.to_string())
}

fn failed(cause: impl Into<String>) -> LoadFault {
    LoadFault::new(LoadErrorCode::RunnerFailed, cause)
}
