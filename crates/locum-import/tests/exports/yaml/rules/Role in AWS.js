function (user, context, callback) {
  // user.role = 'old';
  context.addonConfiguration = context.addonConfiguration || {};
  user.awsRole = 'arn:aws:iam::123456789012:role/reports';
  callback(null, user, context);
}
