//! Gives up what only opening a device needed: user, capabilities, files, system calls. What a capture holds is from
//! strangers, and whatever they find in a parser shall find nothing behind it.

use std::{fmt, path::PathBuf};

use super::error::LiveError;

/// What is still needed once the devices are open.
#[derive(Clone, Debug, Default)]
pub struct Keep {
    /// User and group to become, where this is root: whoever called sudo. Without one it is nobody.
    pub owner: Option<(u32, u32)>,
    /// Files and directories to read.
    pub read: Vec<PathBuf>,
    /// Directories to write in.
    pub write: Vec<PathBuf>,
    /// Whether other programs are to be run: then files and system calls stay as they are, since those programs need them.
    pub run: bool,
}

impl Keep {
    /// The user that nobody is, on every system that matters.
    pub const NOBODY: (u32, u32) = (65534, 65534);
}

/// How a program can be confined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confinement {
    /// As far as was wanted.
    Full,
    /// As far as this kernel can.
    Partial,
    /// Not at all.
    None,
}

/// What was given up.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// The user that the program runs as now, where that changed.
    pub user: Option<u32>,
    /// Whether this is still root, because nothing allows to become someone else.
    pub still_root: bool,
    /// Landlock: files.
    pub files: Confinement,
    /// seccomp: no other program, no connection, no other process.
    pub calls: Confinement,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.user, self.still_root) {
            (Some(user), _) => write!(f, "as user {user}, no capabilities")?,
            (None, true) => f.write_str("still as root, no capabilities")?,
            (None, false) => f.write_str("no capabilities")?,
        }
        let state = |confinement| match confinement {
            Confinement::Full => "on",
            Confinement::Partial => "on as far as this kernel can",
            Confinement::None => "off",
        };
        write!(f, ", Landlock {}, seccomp {}", state(self.files), state(self.calls))
    }
}

/// Gives up everything but what `keep` says. To be called while this is the only thread: the others inherit it.
///
/// # Errors
///
/// Where privileges are there and cannot be given up.
#[cfg(target_os = "linux")]
pub fn confine(keep: &Keep) -> Result<Outcome, LiveError> {
    linux::confine(keep).map_err(LiveError::Privileges)
}

/// Gives up nothing: this system has none of what Linux has.
///
/// # Errors
///
/// None.
#[cfg(not(target_os = "linux"))]
pub fn confine(_: &Keep) -> Result<Outcome, LiveError> {
    let still_root = rustix::process::geteuid().is_root();
    Ok(Outcome { user: None, still_root, files: Confinement::None, calls: Confinement::None })
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{collections::BTreeMap, error::Error};

    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetStatus,
        path_beneath_rules,
    };
    use rustix::{
        io::Errno,
        process::{Gid, Uid, geteuid},
        thread::{
            CapabilitySet, CapabilitySets, set_capabilities, set_no_new_privs, set_thread_groups, set_thread_res_gid,
            set_thread_res_uid,
        },
    };
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

    use super::{Confinement, Keep, Outcome};

    /// Kernel interface of Landlock that the rules are written for; an older kernel enforces what it knows of them.
    const LANDLOCK: ABI = ABI::V5;

    /// What a reader of packets never does: run programs, talk to others, look into or change other processes, change the
    /// system. A list of what is allowed would have to know every version of the C library.
    const FORBIDDEN: &[i64] = &[
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_socket,
        libc::SYS_connect,
        libc::SYS_bind,
        libc::SYS_listen,
        libc::SYS_accept,
        libc::SYS_accept4,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_pidfd_getfd,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_kexec_load,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_userfaultfd,
        libc::SYS_setuid,
        libc::SYS_setgid,
        libc::SYS_setresuid,
        libc::SYS_setresgid,
    ];

    pub(super) fn confine(keep: &Keep) -> Result<Outcome, String> {
        // The system calls below are of one thread.
        if std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() > 1) {
            return Err("other threads run already".to_owned());
        }
        let user = become_someone(keep.owner.unwrap_or(Keep::NOBODY))?;
        let none = CapabilitySet::empty();
        set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
            .map_err(|error| format!("capabilities: {error}"))?;
        let (mut files, mut calls) = (Confinement::None, Confinement::None);
        if !keep.run {
            set_no_new_privs(true).map_err(|error| format!("no_new_privs: {error}"))?;
            files = restrict_files(keep).map_err(|error| format!("Landlock: {error}"))?;
            // A kernel without seccomp, or a processor that the filter is not written for.
            calls = if restrict_calls().is_ok() { Confinement::Full } else { Confinement::None };
        }
        Ok(Outcome { user, still_root: geteuid().is_root(), files, calls })
    }

    /// Becomes this user, where root may; containers often may not.
    fn become_someone((user, group): (u32, u32)) -> Result<Option<u32>, String> {
        if !geteuid().is_root() || user == 0 {
            return Ok(None);
        }
        let (uid, gid) = (Uid::from_raw(user), Gid::from_raw(group));
        match set_thread_groups(&[]) {
            Err(Errno::PERM) => return Ok(None),
            Err(error) => return Err(format!("groups: {error}")),
            Ok(()) => {}
        }
        set_thread_res_gid(gid, gid, gid).map_err(|error| format!("group {group}: {error}"))?;
        set_thread_res_uid(uid, uid, uid).map_err(|error| format!("user {user}: {error}"))?;
        Ok(Some(user))
    }

    fn restrict_files(keep: &Keep) -> Result<Confinement, Box<dyn Error>> {
        let all = AccessFs::from_all(LANDLOCK);
        let status = Ruleset::default()
            .handle_access(all)?
            .handle_access(AccessNet::from_all(LANDLOCK))?
            .create()?
            .add_rules(path_beneath_rules(&keep.read, AccessFs::from_read(LANDLOCK)))?
            .add_rules(path_beneath_rules(&keep.write, all & !AccessFs::Execute))?
            .restrict_self()?;
        Ok(match status.ruleset {
            RulesetStatus::FullyEnforced => Confinement::Full,
            RulesetStatus::PartiallyEnforced => Confinement::Partial,
            RulesetStatus::NotEnforced => Confinement::None,
        })
    }

    fn restrict_calls() -> Result<(), Box<dyn Error>> {
        let rules: BTreeMap<i64, Vec<_>> = FORBIDDEN.iter().map(|call| (*call, Vec::new())).collect();
        let denied = SeccompAction::Errno(libc::EPERM.unsigned_abs());
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, denied, std::env::consts::ARCH.try_into()?)?;
        let program: BpfProgram = filter.try_into()?;
        Ok(apply_filter(&program)?)
    }
}
