//! What `--help` says around the list of flags: the program's purpose, what a command reads, and its exit codes.

pub(super) const PURPOSE: &str = "\
Exchange a signed-in user's token for short-lived credentials of other services

Locum serves Auth0's deprecated `POST /delegation`: it verifies an id_token and issues a credential
with which a program may act for that user elsewhere, such as a JWT for another app, a Firebase
token, an Azure SAS or AWS keys. Each kind of credential is a plugin.";

pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  success
  1  a check failed: an add-on does not work, a case failed, a pin was declined
  2  the command line is invalid
  3  an input file cannot be used: config, tenant, settings or fixture
  4  a plugin cannot be loaded
  5  the system refused: an address is in use, a file cannot be written";

pub(super) const SERVE: &str = "\
Reads the config file, the tenant files named in it, and all plugins of its `plugins_dir`. When ready,
prints `listening on http://ADDRESS:PORT` on standard output; logs go to standard error, and so do audit
events unless the config names a file or socket for them.

Signals:
  SIGHUP           Reload all tenant files; keep the tenants in use if one of the files has an error, or if an
                   add-on that works now would not work any more; during the start, reload after it.
                   Open the audit file again, so that it can be moved away
  SIGTERM, SIGINT  Stop accepting connections, finish the requests in flight, exit

Environment:
  LOCUM_LOG  Log filter, such as `warn` or `info,plugin=debug`; it does not filter audit events
             [default: info]

Exit codes:
  0  stopped by a signal
  2  the command line is invalid
  3  the config or a tenant file cannot be used; with `strict_permissions`, others can change a file
  4  a plugin cannot be loaded
  5  the system refused: the address is in use, there are no root certificates, the audit file cannot be
     opened";

pub(super) const CHECK: &str = "\
Reads what `locum serve` reads, loads the plugins and configures every add-on, but opens no port and calls
no upstream. Prints all problems of all files in one run, a line for each: file, line, what to do, field.
Then prints warnings: what works and should be changed, such as short client secrets.

Exit codes:
  0  there is no problem; there may be warnings
  1  `locum serve` would start, but something cannot work, such as an add-on or an origin
  2  the command line is invalid
  3  the config or a tenant file cannot be used; with `strict_permissions`, others can change a file
  4  a plugin cannot be loaded
  5  the system refused: there are no root certificates";

pub(super) const COMPLETIONS: &str = "\
Examples:
  locum completions bash > /usr/share/bash-completion/completions/locum
  locum completions zsh > /usr/local/share/zsh/site-functions/_locum
  locum completions fish > ~/.config/fish/completions/locum.fish";

pub(super) const MAN: &str = "\
The pages are named after the commands, such as `locum-serve.1`.

Exit codes:
  0  the pages are written
  2  the command line is invalid
  5  the folder cannot be written";

pub(super) const WHO_CAN: &str = "\
Reads the tenant files of the config. A client that may delegate reaches a target that allows it, with
its own id_tokens. With `delegation.chains: open` it also reaches what the clients that it reaches may:
a token issued for one of them is presented as that client's id_token. The column `through` names these
clients. Plugins are not loaded, so an api_type is listed even if no plugin serves it.

Exit codes:
  0  the clients were listed
  2  the command line is invalid, or no tenant has this client
  3  the config or a tenant file cannot be used";

pub(super) const PLUGIN_LIST: &str = "\
Reads every `*.so` file of the directory, and `plugins.lock` beside the directory. Runs no plugin code.
The column `pinned` is `yes`, `no`, or `changed` if the file is not the one that was pinned; the column
`isolation` is the level at which a pinned file runs: `in_process`, `runner`, or `runner, one for each
tenant`.

Exit codes:
  0  the files were listed, also those that cannot be loaded
  2  the command line is invalid
  4  the directory or the lock file cannot be read";

pub(super) const PLUGIN_INSPECT: &str = "\
Reads the manifest inside the file, and `plugins.lock` beside the directory of the file. Runs no plugin code.
Shows what an operator agrees to by pinning it: where it would run, what the host calls and signs for it,
which settings it has, and which of them are withheld. With `--format json`, shows the whole manifest,
including the schemas of settings and parameters.

Exit codes:
  0  the plugin was shown
  2  the command line is invalid
  4  the file is not a plugin, or the lock file cannot be read";

pub(super) const PLUGIN_PIN: &str = "\
Shows each plugin as `locum plugin inspect` does, asks for confirmation, and writes its SHA-256 into the
lock file, with the level at which it runs. Runs no plugin code. Without a terminal, needs --yes.

Levels:
  runner      In a process of its own, which can compute and nothing else: the default
  in_process  In the server's process, with --in-process. Such a plugin can read every key and secret,
              open files and connections, and end the server. Use it only for plugins that you trust as
              you trust Locum, such as those that are built with it

With `--isolate tenant`, a plugin at the level `runner` has a process for each tenant that uses it, and so
cannot mix what it is given for different tenants. Each takes memory of its own.

Exit codes:
  0  all files are pinned
  1  a pin was declined
  2  the command line is invalid, or there is no terminal to ask on
  4  a file is not a plugin, or the lock file cannot be read
  5  the lock file cannot be written";

pub(super) const PLUGIN_STATUS: &str = "\
Asks the running server through its control socket: `control` in the config. The column `pauses` counts the
pauses; they are listed below the plugins, with who has paused what and until when.

Exit codes:
  0  the plugins were shown
  2  the command line is invalid
  3  the config cannot be used, or names no control socket
  5  no server answers";

pub(super) const PLUGIN_PAUSE: &str = "\
Requests for these add-ons get 503 until they are resumed; the plugin is not called for them, and credentials
kept for reuse are not handed out. A pause survives reloads and upgrades, and ends with the server.

Exit codes:
  0  the add-ons are paused, or were already
  1  the server has no such plugin, tenant or api_type
  2  the command line is invalid
  3  the config cannot be used, or names no control socket
  5  no server answers";

pub(super) const PLUGIN_RESUME: &str = "\
Ends all pauses within what is named: the operator's, and those that the server began because an add-on's
calls ended the plugin's process. A wider pause stays, and is shown.

Exit codes:
  0  the pauses have ended
  1  nothing of this is paused, or only by a wider pause
  2  the command line is invalid
  3  the config cannot be used, or names no control socket
  5  no server answers";

pub(super) const PLUGIN_UPGRADE: &str = "\
Shows what changes in the plugin's manifest, asks for confirmation, and copies the file beside the installed
one. The server loads the copy at the level of the old pin, reads the tenant files again and configures every
add-on. Only then are the installed file and `plugins.lock` replaced, and the new version serves; the old one
finishes its calls and ends. If anything fails, the old one serves on, and file and lock are unchanged.

Only for plugins at the level `runner`: the others need a restart. The server's user must be able to write
the plugins directory and the directory of `plugins.lock`. Without a terminal, needs --yes.

Exit codes:
  0  the new version serves, or served already
  1  the upgrade was declined, or the server refused it and says why
  2  the command line is invalid, or there is no terminal to ask on
  3  the config cannot be used, or names no control socket
  4  the file is not a plugin
  5  no server answers, or the file cannot be copied";

pub(super) const PLUGIN_DEV: &str = "\
Builds the crate, and serves the plugin with the settings and parameters of its `plugin.yaml` as a tenant of the
conformance suite, whose keys protect nothing. Prints a curl command that gets a credential. Shows for each
request what the plugin asks upstreams and what it logs, without secrets, and why a request is refused.
Upstreams answer as `plugin.yaml` says. The plugin runs in a process of its own, as in a server; nothing is
pinned. On a terminal, or with --watch, it is built, tested by all cases and served again after each change.

Exit codes:
  0  stopped by a signal
  2  the command line is invalid
  3  a fixture cannot be used, or the build failed
  4  the plugin cannot be loaded
  5  the system refused: the address is in use";

pub(super) const PLUGIN_NEW: &str = "\
Writes a crate that compiles and passes the core cases of the conformance suite, and prints the next step.
Makes the folder a git repository, unless it is inside one. Leaves a folder that is not empty unchanged.

Examples:
  locum plugin new parking --sdk locum/crates/locum-plugin
  locum plugin new travel --sdk locum/crates/locum-plugin --upstream login.example.com --revocable
  locum plugin new travel --sdk locum/crates/locum-plugin --upstream https://idp.example.com/token --rs256

Exit codes:
  0  the crate was written
  2  the command line is invalid, the name is taken, or the folder is not empty
  5  a file cannot be written";

pub(super) const IMPORT_AUTH0: &str = "\
Reads the export, loads the plugins and configures every add-on, as `locum check` does. Calls nobody. Keeps the
clients that can use delegation or be its target. Writes HOST.yaml, and the secrets as files in `secrets`, all
readable by you alone. Makes a signing key and a certificate if a target or an add-on needs one: Auth0's own
key cannot be exported. Prints for each client what still has to be done.

What cannot be kept is left out and named: an add-on that its plugin refuses is written as `null`, a client
that cannot be kept safely is not written. Symbolic links and paths that lead out of DIR are refused.

Exit codes:
  0  the folder was written; the table says what needs a decision
  2  the command line is invalid, or the folder to write is not empty
  3  the export, the config or the list of clients cannot be used; nothing was written
  4  a plugin cannot be loaded
  5  the system refused: a file cannot be written";

pub(super) const TOKEN_MINT: &str = "\
Reads the tenant file with its secrets, and signs as the client's own id_tokens are signed: with its
client_secret for HS256, with the tenant's first signing key otherwise. Prints the token.

Exit codes:
  0  the token was printed
  2  the command line is invalid, or the tenant has no such client
  3  the tenant file cannot be used, or the client has no key to sign with";

pub(super) const TOKEN_MINT_REFRESH: &str = "\
The token has the lifetime that the client's `refresh_token` states, and is printed once: the database has only its
SHA-256. Whoever has it can act as the user, so give it to nobody but the client.

Exit codes:
  0  minted
  2  the command line is invalid, or the tenant has no such client
  3  a file cannot be read, or the client may not have refresh tokens";

pub(super) const TOKEN_MINT_MANAGEMENT: &str = "\
Signs with the first of `management.keys` in the tenant file, and prints the token. No server and no client is needed.
Whoever has it can do at the tenant what its scopes allow, until it expires or the key is replaced.

Exit codes:
  0  the token was printed
  2  the command line is invalid
  3  the tenant file cannot be used, or has no management.keys";

pub(super) const TOKEN_INSPECT: &str = "\
Reads only the token. Does not verify its signature.

Exit codes:
  0  the token was shown
  2  the command line is invalid, or the token is not a JWT";

pub(super) const STATE_BACKUP: &str = "\
For a database in an SQLite file; one in PostgreSQL is copied by pg_dump.

The copy is consistent, and only its owner can read it. To restore it, stop the server and put the copy in the place
of the database, without the files beside it whose names end with -wal and -shm. Refresh tokens that were replaced or
revoked after the copy was made are then valid again: revoke them, or begin with an empty database.

Exit codes:
  0  copied
  2  the command line is invalid
  3  the config names no database, it is no file, it cannot be read, or the copy cannot be written
  5  PostgreSQL cannot be reached";

pub(super) const STATE_CHECK: &str = "\
Prints, a line each: the database without its password, its server with the version, the version of the tables, and each
table with its number of rows. It changes nothing: of a file whose tables are of an earlier version it says to which version the
next start of a server brings them.

Exit codes:
  0  a server with this config can use the database
  2  the command line is invalid
  3  the config names no database, or one whose tables have another version: run `locum state migrate`
  5  PostgreSQL cannot be reached";

pub(super) const STATE_RESTORED: &str = "\
Run it after a restore, before the servers start. `locum serve` warns until it was run if PostgreSQL says that it is another
server, or another timeline of it, than before; it cannot tell whether an SQLite file is a copy.

Exit codes:
  0  the database is accepted
  2  the command line is invalid
  3  the config names no database, or one whose tables have another version
  5  PostgreSQL cannot be reached";

pub(super) const STATE_INIT: &str = "\
Makes the tables, as `locum state migrate` does. If the config has `master_keys_file` and there is no such file, it is made
with one new key, and only its owner can read it. Keep a copy of it apart from the copies of the database: without it, the
secrets of the tenants are lost.

Exit codes:
  0  the tables and the keys are there
  2  the command line is invalid
  3  the config names no database, or the file cannot be written
  5  PostgreSQL cannot be reached, or refuses a change";

pub(super) const STATE_NEW_MASTER_KEY: &str = "\
`locum state rotate-master-key --help` says where to put it.

Exit codes:
  0  printed
  2  the command line is invalid
  5  the system gives no random numbers";

pub(super) const STATE_IMPORT: &str = "\
The files are checked as `locum check` does, and all of them are written or none. Running servers use them within a second.
Rows and later changes have no references: `${` is plain text in them. Refresh tokens of a tenant that is replaced stay.

Exit codes:
  0  imported
  2  the command line is invalid
  3  a file has an error, a tenant is there already, or the database or the master keys cannot be used
  5  PostgreSQL cannot be reached";

pub(super) const STATE_EXPORT: &str = "\
The file holds every secret of the tenant in plain text, and only its owner can read it. An export that is imported and
exported again is the same. Clients and users are in the order of their ids.

Exit codes:
  0  exported
  2  the command line is invalid
  3  there is no such tenant, a row cannot be opened, or the file exists or cannot be written
  5  PostgreSQL cannot be reached";

pub(super) const STATE_ROTATE: &str = "\
To rotate the key of a service: add a line of `locum state new-master-key` at the end of the file of every server, and
reload them (SIGHUP): all can open by it. Then move it to the top everywhere and reload again: new secrets are sealed by
it. Then run this command. When it seals nothing anew any more, remove the old line. Rows that no key opens are named,
and stay as they are.

Exit codes:
  0  every row is sealed by the first key
  1  a row cannot be opened by any key
  2  the command line is invalid
  3  the config names no database or no master keys
  5  PostgreSQL cannot be reached";

pub(super) const STATE_MIGRATE: &str = "\
Run it before the first start with `postgres`, and before the start of a later version. Servers of the version before go
on meanwhile. The user of the URL must be allowed to create tables; `locum serve` itself needs only to read and
write rows. Several of these commands may run together: each change is made once.

Exit codes:
  0  the tables have the version that this program needs
  2  the command line is invalid
  3  the config names no database, or one that a later version has written
  5  PostgreSQL cannot be reached, or refuses a change";

pub(super) const AUDIT_VERIFY: &str = "\
Reads the files. Each line has the SHA-256 of the line before it: the first line that does not fit is shown
with what was expected. A file may begin in the middle of a chain. The chain does not show that the last lines
were cut off, or that all lines were written anew: `--head` does, with a head that the server has logged.

Exit codes:
  0  the chain is unbroken
  1  a line breaks the chain, or no line is the given head
  2  the command line is invalid
  3  a file cannot be read";

pub(super) const CONFORMANCE: &str = "\
Reads the plugin file and runs it, pinned or not; or sends requests to the server. Reads `plugin.yaml`
and the cases of each folder of fixtures. A plugin file runs in this process and in a process of its own,
and a case fails if the two answer differently; with --isolation, at one of the two levels. Test a file
that you do not trust with `--isolation runner`.

With a URL, reads the tenant file as `locum serve` does, with `${env:NAME}` and `${file:PATH}`, and signs
id_tokens of new users with its keys. Changes nothing. Cases that cannot be asked of this tenant are listed
as not run, each with the reason.

With --profile token-exchange, asks the token endpoint of any authorization server whether it follows RFC 8693
and RFC 6749. The settings name its clients, tokens and targets. Runs the commands in them, which get tokens.

Exit codes:
  0  every case passed, and every injected fault was noticed
  1  a case failed, no case passed, or an injected fault was not noticed
  2  the command line is invalid
  3  a fixture, settings or tenant file cannot be used, or this system has no level `runner`
  4  the plugin cannot be loaded
  5  the system refused: a report cannot be written";
