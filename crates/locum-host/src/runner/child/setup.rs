//! The runner's standard input: the socket on which it receives what it needs and tells how it fares.

use std::fs::File;
use std::io::{IoSlice, IoSliceMut, stdin};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};

use rustix::net::sockopt::socket_type;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketType, recvmsg, sendmsg,
};

use super::failed;
use crate::limits::RUNNER_LANES_MAX;
use crate::loading::load_error::LoadFault;
use crate::runner::messages::{ControlMessage, PROTOCOL, Setup};

/// Longest setup message.
const SETUP_BYTES_MAX: usize = 4096;

/// Most descriptors that come with it: the plugin, the lane on which issuers are configured, the other lanes.
const DESCRIPTORS_MAX: usize = 2 + RUNNER_LANES_MAX as usize;

/// What the host sends first.
pub(super) struct Received {
    pub(super) setup: Setup,
    pub(super) plugin: OwnedFd,
    pub(super) configure_lane: File,
    pub(super) lanes: Vec<File>,
}

/// Whether a host can be at the other end.
pub(super) fn is_control_socket(input: &impl AsFd) -> bool {
    socket_type(input).is_ok_and(|kind| kind == SocketType::SEQPACKET)
}

pub(super) fn receive() -> Result<Received, LoadFault> {
    let unusable = |why: &str| failed(format!("the host sent a message that this runner cannot use: {why}"));
    let mut bytes = [0; SETUP_BYTES_MAX];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let parts = &mut [IoSliceMut::new(&mut bytes)];
    let received = recvmsg(stdin(), parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC)
        .map_err(|error| unusable(&error.to_string()))?;
    let descriptors: Vec<OwnedFd> = ancillary
        .drain()
        .filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        })
        .flatten()
        .collect();
    let setup: Setup = serde_json::from_slice(bytes.get(..received.bytes).unwrap_or_default())
        .map_err(|error| unusable(&error.to_string()))?;
    if setup.protocol != PROTOCOL {
        return Err(unusable(
            "host and runner are of different releases; install both from the same release",
        ));
    }
    let mut descriptors = descriptors.into_iter();
    let (Some(plugin), Some(configure_lane)) = (descriptors.next(), descriptors.next()) else {
        return Err(unusable("descriptors are missing"));
    };
    let lanes: Vec<File> = descriptors.map(File::from).collect();
    if u32::try_from(lanes.len()) != Ok(setup.lanes) {
        return Err(unusable("lanes are missing"));
    }
    Ok(Received { setup, plugin, configure_lane: configure_lane.into(), lanes })
}

/// Opens the plugin's memory file anew, to read it from its beginning.
pub(super) fn reopen(plugin: &OwnedFd) -> Result<File, LoadFault> {
    File::open(format!("/proc/self/fd/{}", plugin.as_raw_fd()))
        .map_err(|error| failed(format!("the runner cannot open the plugin in /proc: {error}")))
}

/// Sends the host the file in which the system says that the filter is in force. Later it could not be sent.
pub(super) fn send_status() -> Result<(), LoadFault> {
    let unsent = |error: &dyn std::fmt::Display| failed(format!("the runner cannot send its state: {error}"));
    let status = File::open("/proc/self/status").map_err(|error| unsent(&error))?;
    let descriptors = [status.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
    let sent = sendmsg(stdin(), &[IoSlice::new(b"S")], &mut ancillary, SendFlags::NOSIGNAL);
    sent.map(|_| ()).map_err(|error| unsent(&error))
}

/// Sends a message to the host; it may be gone.
pub(super) fn tell(message: &ControlMessage) {
    // `write` is what the filter allows.
    let _ = rustix::io::write(stdin(), &message.to_bytes());
}
