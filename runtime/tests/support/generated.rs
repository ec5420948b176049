//! What the generator prints for two services, by hand and in exactly its shape: the runtime's contract with it.

pub mod shop {
    use ::jovian_runtime::codegen::v1 as __jovian;

    #[derive(Clone, PartialEq, ::jovian_runtime::codegen::v1::prost::Message)]
    #[prost(prost_path = "::jovian_runtime::codegen::v1::prost")]
    pub struct GetOrderRequest {
        #[prost(string, tag = "1")]
        pub id: ::jovian_runtime::codegen::v1::prost::alloc::string::String,
    }

    #[derive(Clone, PartialEq, ::jovian_runtime::codegen::v1::prost::Message)]
    #[prost(prost_path = "::jovian_runtime::codegen::v1::prost")]
    pub struct Order {
        #[prost(string, tag = "1")]
        pub id: ::jovian_runtime::codegen::v1::prost::alloc::string::String,
        #[prost(uint64, tag = "2")]
        pub amount: u64,
    }

    #[derive(Clone, PartialEq, ::jovian_runtime::codegen::v1::prost::Message)]
    #[prost(prost_path = "::jovian_runtime::codegen::v1::prost")]
    pub struct WatchRequest {
        #[prost(string, tag = "1")]
        pub filter: ::jovian_runtime::codegen::v1::prost::alloc::string::String,
        #[prost(uint64, tag = "2")]
        pub count: u64,
    }

    #[derive(Clone, PartialEq, ::jovian_runtime::codegen::v1::prost::Message)]
    #[prost(prost_path = "::jovian_runtime::codegen::v1::prost")]
    pub struct Summary {
        #[prost(uint64, tag = "1")]
        pub count: u64,
        #[prost(uint64, tag = "2")]
        pub amount: u64,
    }

    /// What the IDL says of `shop.orders.v1.Orders`: its names, methods and policies.
    pub static ORDERS: __jovian::Service = __jovian::Service::new(
        "shop.orders.v1.Orders",
        &[
            __jovian::Method::new("/shop.orders.v1.Orders/GetOrder", 0, __jovian::Kind::Unary)
                .timeout_ms(2000)
                .idempotency(__jovian::Idempotency::NoSideEffects),
            __jovian::Method::new("/shop.orders.v1.Orders/Watch", 1, __jovian::Kind::ServerStream),
            __jovian::Method::new("/shop.orders.v1.Orders/Import", 2, __jovian::Kind::ClientStream),
            __jovian::Method::new("/shop.orders.v1.Orders/Chat", 3, __jovian::Kind::Bidi),
        ],
    )
    .app("shop.order.orders")
    .descriptors(FILE_DESCRIPTOR_SET);

    const FILE_DESCRIPTOR_SET: &[u8] = &[];

    pub trait Orders: ::core::marker::Send + ::core::marker::Sync + 'static {
        type Error: __jovian::IntoFailure;

        fn get_order(
            &self,
            call: &__jovian::Call,
            request: GetOrderRequest,
        ) -> impl ::core::future::Future<Output = ::core::result::Result<Order, Self::Error>> + ::core::marker::Send;

        fn watch(
            &self,
            call: &__jovian::Call,
            request: WatchRequest,
            out: &mut __jovian::Replies<Order>,
        ) -> impl ::core::future::Future<Output = ::core::result::Result<(), Self::Error>> + ::core::marker::Send;

        fn import(
            &self,
            call: &__jovian::Call,
            requests: &mut __jovian::Incoming<Order>,
        ) -> impl ::core::future::Future<Output = ::core::result::Result<Summary, Self::Error>>
        + ::core::marker::Send;

        fn chat(
            &self,
            call: &__jovian::Call,
            requests: &mut __jovian::Incoming<Order>,
            out: &mut __jovian::Replies<Order>,
        ) -> impl ::core::future::Future<Output = ::core::result::Result<(), Self::Error>> + ::core::marker::Send;
    }

    /// Serves an [`Orders`].
    #[derive(Clone, Debug)]
    pub struct OrdersServer(__jovian::BoundService);

    impl OrdersServer {
        pub fn new<S: Orders>(service: S) -> Self {
            Self(__jovian::BoundService::new::<S, OrdersError>(
                &ORDERS,
                service,
                const {
                    &[
                        |service, call, mut io| {
                            __jovian::boxed(async move {
                                let request = io.request().await?;
                                io.reply(service.get_order(call, request).await)
                            })
                        },
                        |service, call, mut io| {
                            __jovian::boxed(async move {
                                let request = io.request().await?;
                                io.finish(service.watch(call, request, &mut io.replies()).await)
                            })
                        },
                        |service, call, mut io| {
                            __jovian::boxed(async move {
                                let reply = service.import(call, &mut io.requests()).await;
                                io.reply(reply)
                            })
                        },
                        |service, call, mut io| {
                            __jovian::boxed(async move {
                                let (mut requests, mut replies) = io.split();
                                __jovian::finish(service.chat(call, &mut requests, &mut replies).await)
                            })
                        },
                    ]
                },
            ))
        }

        /// Adds an interceptor around this service's calls; the first added is outermost.
        #[must_use]
        pub fn intercept(self, interceptor: impl __jovian::Interceptor) -> Self {
            Self(self.0.intercept(interceptor))
        }
    }

    impl ::core::convert::From<OrdersServer> for __jovian::BoundService {
        fn from(server: OrdersServer) -> Self {
            server.0
        }
    }

    /// Calls `shop.orders.v1.Orders`.
    #[derive(Clone, Debug)]
    pub struct OrdersClient(__jovian::Client);

    impl OrdersClient {
        pub fn discover(app: &__jovian::App) -> ::core::result::Result<Self, __jovian::ConnectError> {
            __jovian::Client::discover::<OrdersError>(&ORDERS, app).map(Self)
        }

        pub fn find(
            registry: &dyn ::jovian_runtime::registry::Registry,
        ) -> ::core::result::Result<Self, __jovian::ConnectError> {
            __jovian::Client::find::<OrdersError>(&ORDERS, registry).map(Self)
        }

        pub fn find_balanced(
            registry: &dyn ::jovian_runtime::registry::Registry,
            balancing: &::jovian_runtime::BalancingSection,
        ) -> ::core::result::Result<Self, __jovian::ConnectError> {
            let connection = ::jovian_runtime::ClientConnectionSection::default();
            __jovian::Client::find_with::<OrdersError>(&ORDERS, registry, &connection, None, balancing)
                .map(Self)
        }

        pub fn connect(
            target: impl ::core::convert::Into<__jovian::Target>,
        ) -> ::core::result::Result<Self, __jovian::ConnectError> {
            __jovian::Client::connect::<OrdersError>(&ORDERS, target).map(Self)
        }

        pub fn local<S: Orders>(service: S) -> Self {
            Self(__jovian::Client::local(OrdersServer::new(service)))
        }

        #[must_use]
        pub fn intercept(self, interceptor: impl __jovian::Interceptor) -> Self {
            Self(self.0.intercept(interceptor))
        }

        pub fn policies(
            self,
            policies: __jovian::Policies,
        ) -> ::core::result::Result<Self, __jovian::UnknownTarget> {
            self.0.policies(policies).map(Self)
        }

        pub fn balancing(
            self,
            balancing: __jovian::BalancingSection,
        ) -> ::core::result::Result<Self, __jovian::ConnectError> {
            self.0.balancing(balancing).map(Self)
        }

        #[must_use]
        pub fn with(&self, options: __jovian::CallOptions) -> Self {
            Self(self.0.with(options))
        }

        #[must_use]
        pub fn under(&self, call: &__jovian::Call) -> Self {
            Self(self.0.under(call))
        }

        pub async fn get_order(
            &self,
            request: GetOrderRequest,
        ) -> ::core::result::Result<Order, __jovian::CallError<OrdersError>> {
            self.0.unary(&ORDERS.methods[0], request).await
        }

        pub async fn watch(
            &self,
            request: WatchRequest,
        ) -> ::core::result::Result<__jovian::ReplyStream<Order, OrdersError>, __jovian::CallError<OrdersError>>
        {
            self.0.server_stream(&ORDERS.methods[1], request).await
        }

        pub async fn import(
            &self,
            requests: impl __jovian::Stream<Item = Order> + ::core::marker::Send + 'static,
        ) -> ::core::result::Result<Summary, __jovian::CallError<OrdersError>> {
            self.0.client_stream(&ORDERS.methods[2], requests).await
        }

        pub async fn chat(
            &self,
            requests: impl __jovian::Stream<Item = Order> + ::core::marker::Send + 'static,
        ) -> ::core::result::Result<__jovian::ReplyStream<Order, OrdersError>, __jovian::CallError<OrdersError>>
        {
            self.0.bidi(&ORDERS.methods[3], requests).await
        }
    }

    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum OrdersError {
        /// no order {id}
        OrderNotFound {
            /// Fills `{id}` of the message.
            id: ::std::string::String,
        },
        OutOfStock,
        /// A reason that this version of the IDL does not know; servers never construct it.
        Unknown(__jovian::UnknownError),
    }

    impl __jovian::DomainError for OrdersError {
        const DOMAIN: &'static str = "shop.order";
        const CODES: &'static [__jovian::ErrorCode] = &[
            __jovian::ErrorCode::new(10001, "ORDER_NOT_FOUND", __jovian::Code::NotFound)
                .message("no order {id}"),
            __jovian::ErrorCode::new(10002, "OUT_OF_STOCK", __jovian::Code::FailedPrecondition)
                .http(422)
                .retryable(),
        ];

        fn parts(&self) -> __jovian::ErrorParts<'_> {
            match self {
                Self::OrderNotFound { id } => __jovian::ErrorParts::known(&Self::CODES[0], [("id", id)]),
                Self::OutOfStock => __jovian::ErrorParts::known(&Self::CODES[1], []),
                Self::Unknown(unknown) => __jovian::ErrorParts::unknown(unknown),
            }
        }

        fn from_parts(reason: &str, fields: &mut __jovian::ErrorFields) -> ::core::option::Option<Self> {
            ::core::option::Option::Some(match reason {
                "ORDER_NOT_FOUND" => Self::OrderNotFound { id: fields.take("id") },
                "OUT_OF_STOCK" => Self::OutOfStock,
                _ => return ::core::option::Option::None,
            })
        }

        fn from_unknown(unknown: __jovian::UnknownError) -> Self {
            Self::Unknown(unknown)
        }
    }

    impl ::core::fmt::Display for OrdersError {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            __jovian::display_error(self, f)
        }
    }

    impl ::core::error::Error for OrdersError {}

    impl __jovian::IntoFailure for OrdersError {
        fn into_failure(self) -> __jovian::Failure {
            __jovian::domain_failure(self)
        }
    }
}

/// A service without domain errors, whose package knows a later version of the errors above.
pub mod front {
    use super::shop::{GetOrderRequest, Order};
    use ::jovian_runtime::codegen::v1 as __jovian;

    pub static FRONT: __jovian::Service = __jovian::Service::new(
        "shop.front.v1.Front",
        &[__jovian::Method::new("/shop.front.v1.Front/Show", 0, __jovian::Kind::Unary)],
    );

    pub trait Front: ::core::marker::Send + ::core::marker::Sync + 'static {
        type Error: __jovian::IntoFailure;

        fn show(
            &self,
            call: &__jovian::Call,
            request: GetOrderRequest,
        ) -> impl ::core::future::Future<Output = ::core::result::Result<Order, Self::Error>> + ::core::marker::Send;
    }

    #[derive(Clone, Debug)]
    pub struct FrontServer(__jovian::BoundService);

    impl FrontServer {
        pub fn new<S: Front>(service: S) -> Self {
            Self(__jovian::BoundService::new::<S, __jovian::NoDomainError>(
                &FRONT,
                service,
                const {
                    &[|service, call, mut io| {
                        __jovian::boxed(async move {
                            let request = io.request().await?;
                            io.reply(service.show(call, request).await)
                        })
                    }]
                },
            ))
        }
    }

    impl ::core::convert::From<FrontServer> for __jovian::BoundService {
        fn from(server: FrontServer) -> Self {
            server.0
        }
    }

    #[derive(Clone, Debug)]
    pub struct FrontClient(__jovian::Client);

    impl FrontClient {
        pub fn connect(
            target: impl ::core::convert::Into<__jovian::Target>,
        ) -> ::core::result::Result<Self, __jovian::ConnectError> {
            __jovian::Client::connect::<__jovian::NoDomainError>(&FRONT, target).map(Self)
        }

        pub fn local<S: Front>(service: S) -> Self {
            Self(__jovian::Client::local(FrontServer::new(service)))
        }

        #[must_use]
        pub fn with(&self, options: __jovian::CallOptions) -> Self {
            Self(self.0.with(options))
        }

        pub async fn show(
            &self,
            request: GetOrderRequest,
        ) -> ::core::result::Result<Order, __jovian::CallError<__jovian::NoDomainError>> {
            self.0.unary(&FRONT.methods[0], request).await
        }
    }
}
