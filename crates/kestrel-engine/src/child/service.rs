//! From a request to its answer.

use std::io::{self, Read};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::auth;
use super::connection::{Connection, Stats};
use super::database::{self, Database, quoted_name};
use super::error::{ServerError, code};
use super::format;
use super::insert::{self, InsertData};
use super::output::{self, Delivery, Output, OutputError};
use super::request::Request;
use super::select::{self, Select};
use super::sessions::{Session, Sessions};
use super::statement::{self, StatementText};
use super::watch::ClientWatch;
use crate::http::body::Body;
use crate::http::encoding::{self, Encoding};
use crate::http::head::Head;
use crate::http::multipart::{self, FormError};
use crate::http::response::{Framing, ResponseHead};
use crate::sql::{self, InsertSource, StatementKind};

/// Everything that requests share.
pub(super) struct Service {
    database: Database,
    sessions: Sessions,
    clients: Arc<ClientWatch>,
    password: String,
    host: String,
    counter: AtomicU64,
}

/// What a request runs its statement on.
enum Lease<'s> {
    Own(Connection),
    Session(Session<'s>),
}

impl Lease<'_> {
    fn connection(&mut self) -> &mut Connection {
        match self {
            Self::Own(connection) => connection,
            Self::Session(session) => session.connection(),
        }
    }
}

impl Service {
    pub(super) fn start(database: Database, password: String) -> io::Result<Arc<Self>> {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname")
            .unwrap_or_default()
            .trim()
            .to_owned();
        let clients = Arc::new(ClientWatch::default());
        let sessions = Sessions::default();
        let counter = AtomicU64::new(0);
        let service = Arc::new(Self {
            database,
            sessions,
            clients,
            password,
            host,
            counter,
        });
        let canceller = Arc::clone(&service);
        service
            .clients
            .start(move |query| canceller.database.cancel(query))?;
        Ok(service)
    }

    /// Answers one request. Returns whether the connection can be used again.
    pub(super) fn answer(&self, head: &Head, body: &mut Body<'_>) -> io::Result<bool> {
        let delivery = Delivery {
            encoding: Encoding::Plain,
            keep_alive: head.keep_alive,
            open_end: if head.is_http_1_1 {
                Framing::Chunked
            } else {
                Framing::UntilClose
            },
            wait_for_end: false,
            without_body: head.method == "HEAD",
        };
        let mut plain = ResponseHead::new(200);
        plain.set("Content-Type", "text/html; charset=UTF-8");
        if !matches!(head.method.as_str(), "GET" | "HEAD" | "POST") {
            plain.set_status(405);
            return output::send_whole(
                body,
                &plain,
                delivery,
                b"only GET, HEAD and POST are supported\n",
            );
        }
        match head.path.as_str() {
            "/ping" | "/replicas_status" => output::send_whole(body, &plain, delivery, b"Ok.\n"),
            "/" if head.method != "POST" && head.param("query").is_none() => {
                output::send_whole(body, &plain, delivery, b"Ok.\n")
            }
            "/" => self.answer_statement(head, body, delivery),
            path => {
                plain.set_status(404);
                let message =
                    format!("There is no handle {path}\nUse / or /ping for health checks.\n");
                output::send_whole(body, &plain, delivery, message.as_bytes())
            }
        }
    }

    fn answer_statement(
        &self,
        head: &Head,
        body: &mut Body<'_>,
        mut delivery: Delivery,
    ) -> io::Result<bool> {
        let checked = auth::check(head, &self.password)
            .and_then(|()| Request::from_head(head, || self.new_query_id()));
        let mut request = match checked {
            Ok(request) => request,
            Err(error) => {
                return output::send_error(body, self.response_head("", ""), delivery, &error);
            }
        };
        delivery.encoding = request.encoding;
        delivery.wait_for_end = request.wait_for_end;
        let response = self.response_head(&request.query_id, "");
        let mut output = Output::new(body, response, delivery, self.exception_tag())?;
        match self.run(&mut request, &mut output) {
            Ok(stats) => output.finish(stats),
            Err(OutputError::Server(error)) => output.fail(&error),
            Err(OutputError::Client(error)) => Err(error),
        }
    }

    fn run(
        &self,
        request: &mut Request,
        output: &mut Output<'_, '_>,
    ) -> Result<Stats, OutputError> {
        let body = output.request();
        let mut data = encoding::decoded(
            &mut *body,
            request.content_encoding.as_deref(),
            request.in_blocks,
        )
        .map_err(|error| ServerError::bad_arguments(&error.to_string()))?;
        if let Some(boundary) = request.form_boundary.take() {
            request.take_all(&form_fields(&mut data, &boundary)?)?;
        }
        let request = &*request;
        let StatementText { text, statement } = statement::read(&request.query, &mut data)?;
        let sql = &text[statement.sql.clone()];
        if let Some(reason) = sql::refusal(sql) {
            return Err(ServerError::new(code::ACCESS_DENIED, "ACCESS_DENIED", &reason).into());
        }
        let changes = matches!(
            statement.kind,
            StatementKind::Insert(_) | StatementKind::Other { .. }
        );
        if request.only_reads && changes {
            let message = "Cannot execute a changing statement in readonly mode. For queries over HTTP, method GET \
                           implies readonly. You should use method POST for modifying queries";
            return Err(ServerError::new(code::READONLY, "READONLY", message).into());
        }
        if let StatementKind::Insert(insert) = &statement.kind
            && let InsertSource::Data { format, data_start } = &insert.source
        {
            let format = format
                .as_deref()
                .or(request.default_format.as_deref())
                .unwrap_or("Values");
            let insert = InsertData {
                sql,
                format,
                params: &request.params,
                first: &text[*data_start..],
            };
            let stats = self.run_insert(request, &insert, &mut data)?;
            drop(data);
            output.head().set("X-ClickHouse-Format", format);
            return Ok(stats);
        }
        drop(data);
        self.run_query(request, sql, &statement.kind, output)
    }

    fn run_insert(
        &self,
        request: &Request,
        insert: &InsertData<'_>,
        data: &mut dyn Read,
    ) -> Result<Stats, ServerError> {
        let _turn = self.database.insert_turn();
        let mut lease = self.lease(request)?;
        insert::run(lease.connection(), insert, data)
    }

    fn run_query(
        &self,
        request: &Request,
        sql: &[u8],
        kind: &StatementKind,
        output: &mut Output<'_, '_>,
    ) -> Result<Stats, OutputError> {
        let named = match kind {
            StatementKind::Select { format, .. }
            | StatementKind::Show { format }
            | StatementKind::Other { format } => format.as_deref(),
            StatementKind::Insert(_) => None,
        };
        let format = named
            .or(request.default_format.as_deref())
            .unwrap_or(format::DEFAULT);
        output
            .head()
            .set("Content-Type", format::content_type(format));
        output.head().set("X-ClickHouse-Format", format);
        let _turn = self.database.query_turn();
        let mut lease = self.lease(request)?;
        let connection = lease.connection();
        let &StatementKind::Select {
            format_at,
            has_totals,
            ..
        } = kind
        else {
            return select::run_whole(connection, sql, format, &request.params, output);
        };
        let id = self.counter.fetch_add(1, Ordering::Relaxed);
        let socket = output.request().wire().stream().try_clone()?;
        let _watched = self.clients.watch(id, &socket);
        let marker = database::marker(id);
        let select = Select {
            sql,
            format_at,
            format,
            params: &request.params,
            marker: &marker,
        };
        match select::join(format, has_totals, request) {
            Some(join) => select::run_joined(connection, &select, join, output),
            None => select::run_piped(connection, &select, output, || self.database.cancel(id)),
        }
    }

    fn lease(&self, request: &Request) -> Result<Lease<'_>, ServerError> {
        if let Some(session) = &request.session {
            self.database.check_known(&request.settings)?;
            let mut session = self.sessions.take(session, || self.database.connect(&[]))?;
            session.prepare(&request.settings, request.database.as_deref())?;
            return Ok(Lease::Session(session));
        }
        let mut connection = self.database.connect(&request.settings)?;
        if let Some(database) = request
            .database
            .as_deref()
            .filter(|&name| name != "default")
        {
            connection.query(
                format!("USE {}", quoted_name(database)).as_bytes(),
                "Null",
                &[],
            )?;
        }
        Ok(Lease::Own(connection))
    }

    fn response_head(&self, query_id: &str, format: &str) -> ResponseHead {
        let mut head = ResponseHead::new(200);
        head.set("X-ClickHouse-Server-Display-Name", &*self.host);
        head.set("X-ClickHouse-Timezone", self.database.timezone());
        for (name, value) in [
            ("X-ClickHouse-Query-Id", query_id),
            ("X-ClickHouse-Format", format),
        ] {
            if !value.is_empty() {
                head.set(name, value);
            }
        }
        head
    }

    /// Unique within this engine and unlikely to repeat in another. It only names a query; nothing is guarded by it.
    fn new_query_id(&self) -> String {
        let (time, count) = self.unique();
        let pid = process::id();
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            time & 0xffff_ffff,
            (time >> 32) & 0xffff,
            (time >> 48) & 0xfff,
            pid & 0xfff,
            count & 0xffff_ffff_ffff
        )
    }

    /// Sixteen letters that no result holds by chance.
    fn exception_tag(&self) -> String {
        let (time, count) = self.unique();
        let mut state = time ^ count.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut letter = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            char::from(b'a' + u8::try_from((state >> 33) % 26).unwrap_or(0))
        };
        (0..16).map(|_| letter()).collect()
    }

    fn unique(&self) -> (u64, u64) {
        let time = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        (nanos, self.counter.fetch_add(1, Ordering::Relaxed))
    }
}

/// The fields of a body that is a form.
fn form_fields(data: &mut dyn Read, boundary: &str) -> Result<Vec<(String, String)>, ServerError> {
    let form = statement::read_to_end(data)?;
    multipart::fields(&form, boundary).map_err(|error| match error {
        FormError::File => {
            ServerError::new(code::NOT_IMPLEMENTED, "NOT_IMPLEMENTED", &error.to_string())
        }
        FormError::Malformed => ServerError::bad_arguments(&error.to_string()),
    })
}
