//! A client of the container runtime's socket.

use std::time::{Duration, Instant};

use hyper_util::rt::TokioIo;
use prost::Message;
use tokio::net::UnixStream;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

use super::messages::{
    ContainerConfig, ContainerMetadata, ContainerStatus, ContainerStatusRequest,
    ContainerStatusResponse, CreateContainerRequest, CreateContainerResponse, EXITED, Empty,
    ImageSpec, ImageStatusRequest, ImageStatusResponse, LinuxPodSandboxConfig,
    LinuxSandboxSecurityContext, NETWORK_OF_NODE, NamespaceOption, PodSandboxConfig,
    PodSandboxMetadata, PodSandboxRequest, PullImageRequest, PullImageResponse, RUNNING,
    RunPodSandboxRequest, RunPodSandboxResponse, StartContainerRequest, VersionRequest,
    VersionResponse,
};
use crate::error::AgentError;

const SOCKET: &str = "/run/containerd/containerd.sock";
/// How long a container is watched before it counts as running.
const SETTLE: Duration = Duration::from_secs(3);

/// The runtime and image services of one container runtime.
pub(crate) struct Cri {
    grpc: Grpc<Channel>,
}

impl Cri {
    /// Connects, and waits until the runtime answers. Gives its name and version.
    pub(crate) async fn connect(within: Duration) -> Result<(Self, String), AgentError> {
        let deadline = Instant::now() + within;
        loop {
            let last = match Self::try_connect().await {
                Ok(connected) => return Ok(connected),
                Err(error) => error.to_string(),
            };
            if Instant::now() > deadline {
                let seconds = within.as_secs();
                return Err(AgentError::RuntimeAway { socket: SOCKET, seconds, last });
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn try_connect() -> Result<(Self, String), AgentError> {
        // The address is a formality: the connector decides.
        let endpoint = Endpoint::from_static("http://containerd");
        let connector = tower::service_fn(|_| async {
            Ok::<_, std::io::Error>(TokioIo::new(UnixStream::connect(SOCKET).await?))
        });
        let channel = endpoint
            .connect_with_connector(connector)
            .await
            .map_err(|e| AgentError::Runtime(with_cause(&e)))?;
        let mut cri = Self { grpc: Grpc::new(channel) };
        let version: VersionResponse =
            cri.runtime("Version", VersionRequest { version: "v1".to_owned() }).await?;
        Ok((cri, format!("{} {}", version.runtime_name, version.runtime_version)))
    }

    /// Pulls an image by its name.
    pub(crate) async fn pull(&mut self, image: &str) -> Result<(), AgentError> {
        let request = PullImageRequest { image: Some(spec(image)) };
        self.image::<_, PullImageResponse>("PullImage", request).await.map(drop)
    }

    /// `repository@digest` entries that the runtime keeps for an image.
    pub(crate) async fn repo_digests(&mut self, image: &str) -> Result<Vec<String>, AgentError> {
        let request = ImageStatusRequest { image: Some(spec(image)) };
        let answer: ImageStatusResponse = self.image("ImageStatus", request).await?;
        Ok(answer.image.map(|image| image.repo_digests).unwrap_or_default())
    }

    /// Starts a container in a pod on the host's network, watches it for a
    /// moment, and cleans up. Gives its state.
    pub(crate) async fn start_container(&mut self, image: &str) -> Result<String, AgentError> {
        let sandbox = sandbox_config();
        let pod: RunPodSandboxResponse = self
            .runtime("RunPodSandbox", RunPodSandboxRequest { config: Some(sandbox.clone()) })
            .await?;
        let outcome = self.run_in_pod(&pod.pod_sandbox_id, sandbox, image).await;
        let request = PodSandboxRequest { pod_sandbox_id: pod.pod_sandbox_id };
        // The proof is made; what can't be cleaned up is no failure of it.
        let _ = self.runtime::<_, Empty>("StopPodSandbox", request.clone()).await;
        let _ = self.runtime::<_, Empty>("RemovePodSandbox", request).await;
        outcome
    }

    async fn run_in_pod(
        &mut self,
        pod: &str,
        sandbox: PodSandboxConfig,
        image: &str,
    ) -> Result<String, AgentError> {
        let request = CreateContainerRequest {
            pod_sandbox_id: pod.to_owned(),
            config: Some(ContainerConfig {
                metadata: Some(ContainerMetadata { name: "proof".to_owned() }),
                image: Some(spec(image)),
                log_path: "proof.log".to_owned(),
            }),
            sandbox_config: Some(sandbox),
        };
        let created: CreateContainerResponse = self.runtime("CreateContainer", request).await?;
        let id = created.container_id;
        let start = StartContainerRequest { container_id: id.clone() };
        self.runtime::<_, Empty>("StartContainer", start).await?;
        tokio::time::sleep(SETTLE).await;
        let request = ContainerStatusRequest { container_id: id };
        let answer: ContainerStatusResponse = self.runtime("ContainerStatus", request).await?;
        judge(&answer.status.unwrap_or_default())
    }

    async fn runtime<Q, A>(&mut self, method: &str, request: Q) -> Result<A, AgentError>
    where
        Q: Message + Send + Sync + 'static,
        A: Message + Default + Send + Sync + 'static,
    {
        self.call(&format!("/runtime.v1.RuntimeService/{method}"), request).await
    }

    async fn image<Q, A>(&mut self, method: &str, request: Q) -> Result<A, AgentError>
    where
        Q: Message + Send + Sync + 'static,
        A: Message + Default + Send + Sync + 'static,
    {
        self.call(&format!("/runtime.v1.ImageService/{method}"), request).await
    }

    async fn call<Q, A>(&mut self, path: &str, request: Q) -> Result<A, AgentError>
    where
        Q: Message + Send + Sync + 'static,
        A: Message + Default + Send + Sync + 'static,
    {
        let path = PathAndQuery::try_from(path).map_err(|e| AgentError::Runtime(e.to_string()))?;
        self.grpc.ready().await.map_err(|e| AgentError::Runtime(with_cause(&e)))?;
        let codec: ProstCodec<Q, A> = ProstCodec::default();
        let answer = self.grpc.unary(tonic::Request::new(request), path, codec).await;
        answer
            .map(tonic::Response::into_inner)
            .map_err(|status| AgentError::Runtime(status.message().to_owned()))
    }
}

fn spec(image: &str) -> ImageSpec {
    ImageSpec { image: image.to_owned() }
}

fn sandbox_config() -> PodSandboxConfig {
    let host_network = NamespaceOption { network: NETWORK_OF_NODE };
    PodSandboxConfig {
        metadata: Some(PodSandboxMetadata {
            name: "edgectl-proof".to_owned(),
            uid: format!("edgectl-proof-{}", std::process::id()),
            namespace: "edgectl".to_owned(),
        }),
        log_directory: "/var/log/edgectl-proof".to_owned(),
        linux: Some(LinuxPodSandboxConfig {
            security_context: Some(LinuxSandboxSecurityContext {
                namespace_options: Some(host_network),
            }),
        }),
    }
}

fn judge(status: &ContainerStatus) -> Result<String, AgentError> {
    match (status.state, status.exit_code) {
        (RUNNING, _) => Ok("running".to_owned()),
        (EXITED, 0) => Ok("exited with code 0".to_owned()),
        (EXITED, code) => Err(AgentError::Runtime(format!(
            "the container exited with code {code}: {} {}",
            status.reason, status.message
        ))),
        (state, _) => Err(AgentError::Runtime(format!("the container is in state {state}"))),
    }
}

fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
