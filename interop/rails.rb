# Answers a request with the middleware of Rails, as a new application of each age has it, and prints the cookies:
# what test_doctor_programs.py has recorded of 6.1. It needs the Debian package ruby-actionpack.
require "logger"
require "json"
require "active_support"
require "active_support/cache"
require "active_support/key_generator"
require "active_support/messages/rotation_configuration"
require "action_dispatch"
generator = ActiveSupport::KeyGenerator.new("key" * 20, iterations: 1000)
SETTINGS = {
  key_generator: ActiveSupport::CachingKeyGenerator.new(generator), secret_key_base: "key" * 20,
  cookies_rotations: ActiveSupport::Messages::RotationConfiguration.new, cookies_serializer: :json,
  signed_cookie_salt: "signed cookie", encrypted_cookie_salt: "encrypted cookie",
  encrypted_signed_cookie_salt: "signed encrypted cookie",
  authenticated_encrypted_cookie_salt: "authenticated encrypted cookie",
}
def cookie_of(**age)
  app = lambda { |env| ActionDispatch::Request.new(env).session["user"] = "julian"; [200, {}, []] }
  stack = ActionDispatch::Cookies.new(ActionDispatch::Session::CookieStore.new(app, key: "session"))
  settings = SETTINGS.merge(age).transform_keys { |name| "action_dispatch.#{name}" }
  stack.call(Rack::MockRequest.env_for("http://localhost/").merge(settings))[1]["Set-Cookie"]
end
now = cookie_of(use_authenticated_cookie_encryption: true, encrypted_cookie_cipher: "aes-256-gcm")
before_5_2 = cookie_of(use_authenticated_cookie_encryption: false, encrypted_cookie_cipher: "aes-256-cbc")
puts JSON.dump([now, before_5_2])
