Scalar.createApiReference("#reference", JSON.parse(document.getElementById("configuration").textContent));
