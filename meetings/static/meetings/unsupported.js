// Runs only in browsers without modules; written in the JavaScript that those understand.
document.addEventListener("DOMContentLoaded", function () {
  (document.getElementById("call-root") || document.getElementById("test-root")).innerHTML = document.getElementById("unsupported").innerHTML;
});
