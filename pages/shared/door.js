// Keeps the word that says who is signed in, for reloads and further tabs of this browser. Nothing is drawn.
export default function (component) {
  const { name, token, seconds } = component.data;
  const secure = window.location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${encodeURIComponent(token)}; Max-Age=${seconds}; Path=/; SameSite=Strict${secure}`;
}
