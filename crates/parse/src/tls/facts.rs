//! What the handshakes of a connection tell of it.

use super::{
    Security, TlsVersion,
    hello::{Extensions, Hello},
};

/// Facts in the clear, and those that decryption adds.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) server_name: Option<Box<str>>,
    /// Application protocols that the client offers.
    offered: Vec<Box<str>>,
    /// The one that the server chose.
    chosen: Option<Box<str>>,
    /// Version that the server chose, else the newest that the client offers.
    pub(super) version: Option<TlsVersion>,
    suite: u16,
    pub(super) client_certificate: bool,
}

impl Facts {
    /// A client's offer. One that renegotiates need not repeat it.
    pub(super) fn offer(&mut self, hello: &Hello) {
        let extensions = &hello.extensions;
        if extensions.server_name.is_some() {
            self.server_name.clone_from(&extensions.server_name);
        }
        if !extensions.alpn.is_empty() {
            self.offered.clone_from(&extensions.alpn);
        }
        self.version = self.version.or(hello.versions.first().copied().map(TlsVersion));
    }

    /// A server's choice.
    pub(super) fn choose(&mut self, hello: &Hello) {
        self.version = hello.versions.first().copied().map(TlsVersion).or(self.version);
        self.suite = hello.suite.unwrap_or(self.suite);
        self.agree(&hello.extensions);
    }

    /// What a server agrees to.
    pub(super) fn agree(&mut self, extensions: &Extensions) {
        if let Some(name) = extensions.alpn.first() {
            self.chosen = Some(name.clone());
        }
    }

    /// The application protocol that was agreed on, else those that were offered; and whether it was agreed on.
    pub(super) fn alpn(&self) -> (Box<[Box<str>]>, bool) {
        match &self.chosen {
            Some(chosen) => ([chosen.clone()].into(), true),
            None => (self.offered.as_slice().into(), false),
        }
    }

    /// What protects the application data.
    pub(super) fn security(&self) -> Security {
        Security {
            version: self.version.unwrap_or(TlsVersion::TLS_1_2),
            suite: self.suite,
            server_name: self.server_name.clone(),
            alpn: self.chosen.clone(),
            client_certificate: self.client_certificate,
        }
    }
}
