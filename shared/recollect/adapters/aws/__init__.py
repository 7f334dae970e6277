"""The AWS edition: DynamoDB, S3, SQS, OpenSearch and Bedrock."""
