exports.onExecutePostLogin = async (event, api) => {
  const user = {};
  user.region = 'eu';
};
