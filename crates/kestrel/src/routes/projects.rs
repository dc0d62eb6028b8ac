//! Projects.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use caribou_model::api::{ErrorBody, NewProject, Page, Project};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::{ApiError, ErrorCode, root_cause};
use crate::query::StrictQuery;
use crate::routes::MAX_JSON_BODY_BYTES;
use crate::state::App;

/// Longest name of a project, in characters.
const MAX_NAME_CHARS: usize = 200;

/// Which page of the projects.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct ProjectListQuery {
    /// How many, 1 to 1000.
    #[param(default = 100, minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Projects, by name.
#[utoipa::path(
    get,
    path = "/api/v1/projects",
    tag = "projects",
    params(ProjectListQuery),
    responses(
        (status = 200, body = Page<Project>),
        (status = 400, body = ErrorBody, description = "A parameter is unknown or cannot be read")
    )
)]
pub(crate) async fn list_projects(
    State(app): State<App>,
    StrictQuery(query): StrictQuery<ProjectListQuery>,
) -> Result<Json<Page<Project>>, ApiError> {
    let limit = query.limit.unwrap_or(100).clamp(1, 1000);
    let mut page = app
        .store
        .list_projects(limit, query.cursor.as_deref())
        .await?;
    for project in &mut page.items {
        project.url = project_url(&app, &project.name);
    }
    Ok(Json(page))
}

/// Registers a project, or finds it: the same name gives the same project however often it is asked for.
#[utoipa::path(
    post,
    path = "/api/v1/projects",
    tag = "projects",
    request_body = NewProject,
    responses(
        (status = 200, body = Project),
        (status = 400, body = ErrorBody, description = "The name is missing, empty or too long")
    )
)]
pub(crate) async fn create_project(
    State(app): State<App>,
    body: Result<Json<NewProject>, JsonRejection>,
) -> Result<Response, ApiError> {
    let Json(NewProject { name }) = body.map_err(|rejection| unreadable_body(&rejection))?;
    let length = name.chars().count();
    if name.trim().is_empty() || length > MAX_NAME_CHARS {
        let message =
            format!("the name of a project has 1 to {MAX_NAME_CHARS} characters, not {length}");
        return Err(ApiError::new(ErrorCode::InvalidBody, message));
    }
    let mut project = app.store.get_or_create_project(&name).await?;
    project.url = project_url(&app, &project.name);
    Ok((StatusCode::OK, Json(project)).into_response())
}

fn unreadable_body(rejection: &JsonRejection) -> ApiError {
    let (code, message) = match rejection {
        JsonRejection::MissingJsonContentType(_) => (
            ErrorCode::UnsupportedMediaType,
            "the body is taken as JSON; say so with content-type: application/json".to_owned(),
        ),
        rejection if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => (
            ErrorCode::BodyTooLarge,
            format!("the body is larger than {MAX_JSON_BODY_BYTES} bytes"),
        ),
        rejection => (
            ErrorCode::InvalidBody,
            format!("cannot read the body: {}", root_cause(rejection)),
        ),
    };
    ApiError::new(code, message)
}

fn project_url(app: &App, name: &str) -> String {
    let query = serde_html_form::to_string([("project", name)]).unwrap_or_default();
    format!("{}/traces?{query}", app.base_url)
}
